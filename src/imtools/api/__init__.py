"""The Python API: functions that take files, arrays, records and manifests; `imtools` hands them on."""
