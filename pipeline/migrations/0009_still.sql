-- When a still was written, by this server's clock: `at` is the camera's, which may be two minutes off.
alter table ioc.still add column written timestamptz not null default now();
