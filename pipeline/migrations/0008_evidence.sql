-- Evidence with people blurred (`jpeg`, `mp4`: what everybody may see, and what the digest names) and clear (null when
-- there is nobody in it); clips around alerts; and who opened what was clear.
alter table ioc.evidence add column clear bytea, add column clear_digest text;
alter table ioc.still add column clear bytea;

create table ioc.clip (
    digest text primary key,
    camera text not null,
    since timestamptz not null,
    until timestamptz not null,
    mp4 bytea not null,
    clear bytea,
    clear_digest text
);
create index on ioc.clip (until);

create table ioc.alert_clip (
    alert text not null,
    camera text not null,
    digest text not null references ioc.clip on delete cascade,
    primary key (alert, camera)
);
create index on ioc.alert_clip (digest);

create table ioc.evidence_opened (
    at timestamptz not null default now(),
    person text not null,
    role text not null,
    digest text not null,
    clear_digest text not null
);
create index on ioc.evidence_opened (digest, person, at);
create index on ioc.evidence_opened (at);
