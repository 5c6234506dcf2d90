-- What both kinds of store share: series, the sink's offsets, alerts, pictures, people.
create table ioc.series (
    id int generated always as identity primary key,
    device text not null,
    quantity text not null,
    unit text not null default '',
    unique (device, quantity)
);

create table ioc.sink_offset (
    sink text not null,
    topic text not null,
    partition int not null,
    next bigint not null,
    primary key (sink, topic, partition)
);

-- Newest state of every alert; its events are in ioc.alert_event.
create table ioc.alert (
    alert text primary key,
    key text not null,
    rule text not null,
    sequence int not null,
    severity text not null,
    active boolean not null,
    acked boolean not null,
    closed boolean not null,
    began timestamptz not null,
    changed timestamptz not null,
    body jsonb not null
);
create index on ioc.alert (changed desc);
create index on ioc.alert (key);

-- Evidence pictures by digest, and the last still of a camera that somebody watches.
create table ioc.evidence (
    digest text primary key,
    camera text not null,
    at timestamptz not null,
    jpeg bytea not null
);
create index on ioc.evidence (at);

create unlogged table ioc.still (
    camera text primary key,
    at timestamptz not null,
    jpeg bytea not null
);

create unlogged table ioc.watch (
    camera text primary key,
    until timestamptz not null
);

create table ioc.person (
    name text primary key,
    role text not null check (role in ('viewer', 'operator', 'technician', 'admin')),
    password_hash text not null,
    failures int not null default 0,
    locked_until timestamptz,
    language text not null default 'vi'
);
