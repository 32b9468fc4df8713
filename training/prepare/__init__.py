"""``python -m training prepare``: videos, pictures and public sets -> face crops and a manifest.

An input's *layout* names its files, labels and groups (`layouts`); each file is *harvested* with
the run time's own detector, tracker and cropping (`footage`, `archive`); what it gave is *staged*,
so that a stopped run goes on (`staging`); when all are done, groups, splits and near-duplicates
are settled over everything at once (`groups`, `duplicates`) and written (`shards`, `report`).
"""
