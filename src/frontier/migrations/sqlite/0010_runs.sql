-- Several runs at a time: `active` is now the number of the run that a host takes part in, 0 for none.
DROP INDEX host_ready;
CREATE INDEX host_ready ON host (active, ready_at) WHERE active > 0;
