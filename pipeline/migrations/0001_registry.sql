-- The registry: what stands where, in whole documents, with every revision kept, and the outbox to Kafka.
create schema if not exists ioc;

create table ioc.area (
    id text primary key,
    parent text references ioc.area,
    version int not null,
    document jsonb not null
);

create table ioc.site (
    id text primary key,
    area text references ioc.area,
    version int not null,
    document jsonb not null
);

create table ioc.type (
    id text primary key,
    version int not null,
    document jsonb not null
);

create table ioc.device (
    id text primary key,
    type text not null references ioc.type,
    site text not null references ioc.site,
    retired boolean not null default false,
    version int not null,
    document jsonb not null
);

create table ioc.camera (
    id text primary key,
    site text not null references ioc.site,
    retired boolean not null default false,
    version int not null,
    document jsonb not null
);

create table ioc.rule (
    id text primary key,
    active boolean not null default true,
    version int not null,
    document jsonb not null
);

create table ioc.revision (
    kind text not null,
    id text not null,
    version int not null,
    document jsonb,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    primary key (kind, id, version)
);

-- Names of cameras' passwords; never part of a document, never on a topic.
create table ioc.secret (
    name text primary key,
    username text not null,
    password text not null
);

-- Writers take the advisory lock 'ioc.outbox' first, so ids follow the order of commits.
create table ioc.outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text,
    value text,
    written_at timestamptz not null default now()
);
