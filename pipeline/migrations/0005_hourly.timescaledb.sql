-- no-transaction
create materialized view ioc.readings_1h with (timescaledb.continuous, timescaledb.materialized_only = false) as
select series, time_bucket('1 hour', at) as bucket,
       count(value) as n, sum(value) as total, min(value) as low, max(value) as high
from ioc.readings
where quality < 2
group by series, time_bucket('1 hour', at)
with no data;
-- start_offset stays well below the retention of readings: a refresh over dropped chunks would delete roll-ups
select add_continuous_aggregate_policy('ioc.readings_1h', start_offset => interval '14 days',
                                       end_offset => interval '1 hour', schedule_interval => interval '10 minutes');
