-- The history: one definition of columns for both kinds of store; 0004 makes hypertables or partitioned tables
-- of these shapes and drops the shapes.
-- at: event time; log: when the broker took it; log_partition/log_offset/line: where it stands in the topic.
create schema ioc_shape;

create table ioc_shape.readings (
    series int not null,
    at timestamptz not null,
    seq bigint not null default 0,
    value double precision,
    text text,
    quality smallint not null default 0,
    raw double precision,
    extra jsonb,
    log timestamptz not null,
    log_partition smallint not null,
    log_offset bigint not null,
    line smallint not null,
    primary key (series, at, seq)
);

create table ioc_shape.derived (like ioc_shape.readings including all);

create table ioc_shape.detections (
    camera text not null,
    at timestamptz not null,
    event text not null,
    zone text not null default '',
    line_name text not null default '',
    track text not null default '',
    edge text not null default '',
    body jsonb not null,
    log timestamptz not null,
    log_partition smallint not null,
    log_offset bigint not null,
    line smallint not null,
    primary key (camera, at, event, zone, line_name, track, edge)
);

create table ioc_shape.cases (
    case_id text not null,
    at timestamptz not null,
    kind text not null,
    state text not null,
    department text not null default '',
    due_at timestamptz,
    body jsonb not null,
    log timestamptz not null,
    log_partition smallint not null,
    log_offset bigint not null,
    line smallint not null,
    primary key (case_id, at, state)
);

create table ioc_shape.conditions (
    id text not null,
    at timestamptz not null,
    rule text not null,
    key text not null,
    episode bigint not null,
    n int not null,
    edge text not null,
    severity text not null,
    shadow boolean not null default false,
    body jsonb not null,
    log timestamptz not null,
    log_partition smallint not null,
    log_offset bigint not null,
    line smallint not null,
    primary key (id, at)
);

create table ioc_shape.alert_event (
    id text not null,
    at timestamptz not null,
    alert text not null,
    key text not null,
    type text not null,
    sequence int not null,
    body jsonb not null,
    log timestamptz not null,
    log_partition smallint not null,
    log_offset bigint not null,
    line smallint not null,
    primary key (id, at)
);

create index on ioc_shape.conditions (key, episode, n);
create index on ioc_shape.alert_event (alert, sequence);
