"""Pictures and clips that are sent as files: the analyzer of live streams over untrusted media."""
