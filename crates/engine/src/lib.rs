//! Wires ingest, scheduler, pipelines, journal and reconciler; owns tasks, queues, shutdown and resume.
