-- TimescaleDB: hypertables with columnstore and retention policies.
-- Default time indexes are left out: they cost half the ingest rate and the primary keys serve the queries.

create table ioc.readings (like ioc_shape.readings including all);
select create_hypertable('ioc.readings', by_range('at', interval '1 day'), create_default_indexes => false);
alter table ioc.readings set (timescaledb.enable_columnstore, timescaledb.segmentby = 'series', timescaledb.orderby = 'at, seq');
call add_columnstore_policy('ioc.readings', after => interval '3 days');
select add_retention_policy('ioc.readings', drop_after => interval '90 days');

create table ioc.derived (like ioc_shape.derived including all);
select create_hypertable('ioc.derived', by_range('at', interval '1 day'), create_default_indexes => false);
alter table ioc.derived set (timescaledb.enable_columnstore, timescaledb.segmentby = 'series', timescaledb.orderby = 'at, seq');
call add_columnstore_policy('ioc.derived', after => interval '3 days');
select add_retention_policy('ioc.derived', drop_after => interval '365 days');

create table ioc.detections (like ioc_shape.detections including all);
select create_hypertable('ioc.detections', by_range('at', interval '1 day'), create_default_indexes => false);
alter table ioc.detections set (timescaledb.enable_columnstore, timescaledb.segmentby = 'camera', timescaledb.orderby = 'at');
call add_columnstore_policy('ioc.detections', after => interval '3 days');
select add_retention_policy('ioc.detections', drop_after => interval '90 days');

create table ioc.cases (like ioc_shape.cases including all);
select create_hypertable('ioc.cases', by_range('at', interval '30 days'), create_default_indexes => false);
alter table ioc.cases set (timescaledb.enable_columnstore, timescaledb.segmentby = 'case_id', timescaledb.orderby = 'at');
call add_columnstore_policy('ioc.cases', after => interval '60 days');
select add_retention_policy('ioc.cases', drop_after => interval '1095 days');

create table ioc.conditions (like ioc_shape.conditions including all);
select create_hypertable('ioc.conditions', by_range('at', interval '30 days'), create_default_indexes => false);
alter table ioc.conditions set (timescaledb.enable_columnstore, timescaledb.segmentby = 'key', timescaledb.orderby = 'at');
call add_columnstore_policy('ioc.conditions', after => interval '60 days');
select add_retention_policy('ioc.conditions', drop_after => interval '365 days');

create table ioc.alert_event (like ioc_shape.alert_event including all);
select create_hypertable('ioc.alert_event', by_range('at', interval '30 days'), create_default_indexes => false);
alter table ioc.alert_event set (timescaledb.enable_columnstore, timescaledb.segmentby = 'key', timescaledb.orderby = 'at');
call add_columnstore_policy('ioc.alert_event', after => interval '60 days');
select add_retention_policy('ioc.alert_event', drop_after => interval '1095 days');

drop schema ioc_shape cascade;

-- TimescaleDB makes its chunks by itself, and its policies drop them.
create function ioc.ensure_partition(name text, moment timestamptz) returns boolean language sql as 'select false';
create function ioc.retain() returns setof text language sql as 'select null::text where false';
