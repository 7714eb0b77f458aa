"""Asks a lake the same question by an engine that knows nothing of Tocsin, and prints the answer as CSV.

    ask.py pyiceberg|static|duckdb|spark LAKE

For each day and class: events, distinct ids, severities and times summed up, texts and nested and repeated columns counted.
pyiceberg goes by the SQLite catalog, static by the newest metadata file alone, duckdb by the data files alone, spark by the catalog.
"""
import csv
import glob
import os
import sys

HEAD = ["day", "class_uid", "events", "ids", "severity", "first", "last", "sources", "operations", "resources", "characters"]
SQL = """
SELECT cast(cast(time_dt AS date) AS {text}) AS day, class_uid, count(*) AS events, count(DISTINCT metadata.uid) AS ids, sum(severity_id) AS severity,
  min(time) AS first, max(time) AS last, count(src_ip) AS sources, count(api.operation) AS operations,
  coalesce(sum({size}), 0) AS resources, sum(length(raw_data)) AS characters
FROM {table} GROUP BY 1, 2 ORDER BY 1, 2
"""


def by_arrow(table):
    """The question, without any SQL engine."""
    rows = {}
    for r in table.to_pylist():
        key = (r["time_dt"].date().isoformat(), r["class_uid"])
        a = rows.setdefault(key, dict(n=0, ids=set(), severity=0, first=r["time"], last=r["time"], sources=0, operations=0, resources=0, characters=0))
        a["n"] += 1
        a["ids"].add(r["metadata"]["uid"])
        a["severity"] += r["severity_id"] or 0
        a["first"], a["last"] = min(a["first"], r["time"]), max(a["last"], r["time"])
        a["sources"] += r["src_ip"] is not None
        a["operations"] += bool(r["api"]) and r["api"]["operation"] is not None
        a["resources"] += len(r["resources"] or [])
        a["characters"] += len(r["raw_data"])
    for (day, cls), a in sorted(rows.items()):
        yield [day, cls, a["n"], len(a["ids"]), a["severity"], a["first"], a["last"], a["sources"], a["operations"], a["resources"], a["characters"]]


COLUMNS = ("time_dt", "class_uid", "metadata", "severity_id", "time", "src_ip", "api", "resources", "raw_data")


def newest(lake):
    return max(glob.glob(lake + "/metadata/*.metadata.json"))  # their names begin with a number of five digits


def pyiceberg(lake):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("tocsin", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}")
    return by_arrow(catalog.load_table("tocsin.events").scan(selected_fields=COLUMNS).to_arrow())


def static(lake):
    from pyiceberg.table import StaticTable

    return by_arrow(StaticTable.from_metadata(newest(lake)).scan(selected_fields=COLUMNS).to_arrow())


def duckdb(lake):
    """DuckDB's iceberg extension comes from a server of its own; the files that the snapshot names are read as plain Parquet instead."""
    import duckdb as engine
    from pyiceberg.table import StaticTable

    files = [task.file.file_path.removeprefix("file://") for task in StaticTable.from_metadata(newest(lake)).scan().plan_files()]
    table = f"read_parquet({files!r}, hive_partitioning = false, union_by_name = true)"
    return engine.connect().execute(SQL.format(table=table, text="varchar", size="len(resources)")).fetchall()


def spark(lake):
    from pyspark.sql import SparkSession

    jars = glob.glob(os.path.dirname(os.path.abspath(sys.executable)) + "/../../*.jar")
    session = (
        SparkSession.builder.master("local[1]").config("spark.jars", ",".join(jars)).config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config("spark.log.level", "ERROR")
        .config("spark.sql.catalog.tocsin", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.tocsin.type", "jdbc")
        .config("spark.sql.catalog.tocsin.uri", f"jdbc:sqlite:{lake}/catalog.db").config("spark.sql.catalog.tocsin.warehouse", f"file://{lake}")
        .config("spark.sql.shuffle.partitions", "2").getOrCreate()
    )
    try:
        size = "CASE WHEN resources IS NULL THEN 0 ELSE size(resources) END"
        return [list(r) for r in session.sql(SQL.format(table="tocsin.tocsin.events", text="string", size=size)).collect()]
    finally:
        session.stop()


if __name__ == "__main__":
    engines = {"pyiceberg": pyiceberg, "static": static, "duckdb": duckdb, "spark": spark}
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEAD)
    out.writerows(engines[sys.argv[1]](os.path.abspath(sys.argv[2])))
