-- What a camera's view is known by, and the tamper that was said of it, for the next process that follows the camera.
create unlogged table ioc.camera_view (
    camera text primary key,
    view text not null,
    scene bytea not null,
    said text not null,
    written timestamptz not null default now()
);
