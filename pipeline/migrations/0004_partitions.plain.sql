-- Plain PostgreSQL: tables partitioned by range of event time, partitions made by the writer when they are needed.
create table ioc.readings (like ioc_shape.readings including all) partition by range (at);
create table ioc.derived (like ioc_shape.derived including all) partition by range (at);
create table ioc.detections (like ioc_shape.detections including all) partition by range (at);
create table ioc.cases (like ioc_shape.cases including all) partition by range (at);
create table ioc.conditions (like ioc_shape.conditions including all) partition by range (at);
create table ioc.alert_event (like ioc_shape.alert_event including all) partition by range (at);

drop schema ioc_shape cascade;

-- How a table is cut and how long it is kept.
create table ioc.retention (
    name text primary key,
    step text not null check (step in ('day', 'month')),
    days int not null
);
insert into ioc.retention values
    ('readings', 'day', 90),
    ('derived', 'day', 365),
    ('detections', 'day', 90),
    ('cases', 'month', 1095),
    ('conditions', 'month', 365),
    ('alert_event', 'month', 1095);

-- Makes the partition of `name` that holds `moment`; says whether there was none.
create function ioc.ensure_partition(name text, moment timestamptz) returns boolean language plpgsql as $$
declare
    step text := (select r.step from ioc.retention r where r.name = ensure_partition.name);
    low timestamptz := date_trunc(step, moment, 'UTC');
    high timestamptz := low + ('1 ' || step)::interval;
    child text := name || to_char(low at time zone 'UTC', case step when 'day' then '_YYYYMMDD' else '_YYYYMM' end);
begin
    if to_regclass(format('ioc.%I', child)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtext('ioc.partition.' || child));
    if to_regclass(format('ioc.%I', child)) is not null then
        return false;
    end if;
    execute format('create table ioc.%I partition of ioc.%I for values from (%L) to (%L)', child, name, low, high);
    return true;
end $$;

-- Drops partitions that ended longer ago than their table is kept; returns their names.
create function ioc.retain() returns setof text language plpgsql as $$
declare
    old record;
begin
    for old in
        select c.relname, r.name
        from ioc.retention r
        join pg_inherits i on i.inhparent = format('ioc.%I', r.name)::regclass
        join pg_class c on c.oid = i.inhrelid
        where to_date(substring(c.relname from '_(\d+)$'), case r.step when 'day' then 'YYYYMMDD' else 'YYYYMM' end)
              + ('1 ' || r.step)::interval < now() - make_interval(days => r.days)
    loop
        execute format('drop table ioc.%I', old.relname);
        return next old.relname;
    end loop;
end $$;

create view ioc.readings_1h as
select series, date_bin('1 hour', at, '2000-01-01 00:00:00+00') as bucket,
       count(value) as n, sum(value) as total, min(value) as low, max(value) as high
from ioc.readings
where quality < 2
group by 1, 2;
