-- The key that signs the console's sessions: one for all consoles on this database, made by the first.
create table ioc.console_key (
    single boolean primary key default true check (single),
    key text not null
);

create index alert_open on ioc.alert (began desc) where not closed;
