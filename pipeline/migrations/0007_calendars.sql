-- Groups of devices and calendars, documents like the others. (The dated attributes of devices and the validity of
-- areas are part of their documents.)
create table ioc."group" (
    id text primary key,
    version int not null,
    document jsonb not null
);

create table ioc.calendar (
    id text primary key,
    version int not null,
    document jsonb not null
);
