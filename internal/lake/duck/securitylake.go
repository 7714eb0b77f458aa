//go:build cgo

package duck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// Queries written for Amazon Security Lake name its tables, such as
//
//	"amazon_security_lake_glue_db_us_east_1"."amazon_security_lake_table_us_east_1_vpc_flow_2_0"
//
// Each such name is a view over events: the records of that source, with the columns that Security Lake has beside ours. What the
// scope and the time range leave out of events is not in the view either. The Region in a name is a filter only where a question
// names tables of more than one Region. https://docs.aws.amazon.com/security-lake/latest/userguide/subscriber-query-examples2.html

var (
	lakeDatabase = regexp.MustCompile(`^amazon_security_lake_glue_db_[a-z]{2}(_[a-z]+)+_[0-9]$`)
	lakeTable    = regexp.MustCompile(`^amazon_security_lake_table_([a-z]{2}(?:_[a-z]+)+_[0-9])_(cloud_trail_mgmt|s3_data|lambda_execution|vpc_flow|route53|sh_findings|eks_audit|waf)_([12])_0`)
)

// ofSecurityLake reports whether a name is one of Security Lake's.
func (t tableName) ofSecurityLake() (bool, error) {
	m := lakeTable.FindStringSubmatch(t.table)
	if m == nil || t.schema != "" && !lakeDatabase.MatchString(t.schema) || t.catalog != "" && t.catalog != "awsdatacatalog" || t.catalog != "" && t.schema == "" {
		return false, nil
	}
	if m[3] == "1" {
		return false, RefusedError{"the tables of source version 1 have other columns (OCSF 1.0.0-rc.2): write the question for version 2, " + strings.Replace(m[0], "_1_0", "_2_0", 1)}
	}
	return len(m[0]) == len(t.table), nil
}

func (t tableName) region() string {
	return strings.ReplaceAll(lakeTable.FindStringSubmatch(t.table)[1], "_", "-")
}

func (t tableName) source() string { return lakeTable.FindStringSubmatch(t.table)[2] }

// lakeSource is one of Security Lake's sources: which events are its records, and its columns that have another form here.
type lakeSource struct {
	records string
	without string // columns of ours that are left out
	columns string // in their place
}

// Our column resource is a text; Security Lake's questions use that name for an element of resources.
var lakeSources = map[string]lakeSource{
	"cloud_trail_mgmt": {"metadata.product.name = 'CloudTrail' AND class_uid <> 2004 AND coalesce(metadata.product.feature.name, 'Management') = 'Management'", "resource", ""},
	"s3_data":          {"metadata.product.name = 'CloudTrail' AND metadata.product.feature.name = 'Data' AND api.service.name = 's3.amazonaws.com'", "resource", ""},
	"lambda_execution": {"metadata.product.name = 'CloudTrail' AND metadata.product.feature.name = 'Data' AND api.service.name = 'lambda.amazonaws.com'", "resource", ""},
	"vpc_flow":         {"class_uid = 4001 AND metadata.product.name = 'Amazon VPC'", "resource, action", ", CASE action_id WHEN 1 THEN 'Allowed' WHEN 2 THEN 'Denied' ELSE action END AS action"},
	"eks_audit":        {"class_uid = 6003 AND metadata.product.name = 'Amazon EKS'", "resource", ""},
	"route53": {"class_uid = 4003 AND metadata.product.name = 'Route 53'", "resource, answers, query",
		", struct_pack(hostname := rtrim(query.hostname, '.') || '.', type := query.type, class := query.class) AS query, coalesce(" + parsedJSON("answers", `[{"rdata":"VARCHAR","type":"VARCHAR","class":"VARCHAR"}]`) + ", []) AS answers"},
	"waf": {"class_uid = 4002 AND metadata.product.name = 'AWS WAF'", "resource, firewall_rule",
		", " + parsedJSON("firewall_rule", `{"uid":"VARCHAR","type":"VARCHAR","condition":"VARCHAR","match_location":"VARCHAR","match_details":["VARCHAR"],"rate_limit":"INTEGER"}`) + " AS firewall_rule"},
	"sh_findings": {"category_uid = 2 AND coalesce(format, '') NOT IN ('cloudtrail', 'awsconfig')", "resource, vulnerabilities, finding_info",
		", " + parsedJSON("vulnerabilities", `[{"cve":{"uid":"VARCHAR","cvss":[{"base_score":"DOUBLE","version":"VARCHAR","vector_string":"VARCHAR"}]},"vendor_name":"VARCHAR","affected_packages":[{"name":"VARCHAR","version":"VARCHAR","architecture":"VARCHAR","release":"VARCHAR","fixed_in_version":"VARCHAR","package_manager":"VARCHAR"}]}]`) +
			" AS vulnerabilities, resources[1] AS resource, " + findingTimes},
}

// findingTimes adds the times of finding_info as timestamps.
const findingTimes = "CASE WHEN finding_info IS NOT NULL THEN struct_insert(finding_info, created_time_dt := make_timestamp(finding_info.created_time * 1000), modified_time_dt := make_timestamp(finding_info.modified_time * 1000)," +
	" first_seen_time_dt := make_timestamp(finding_info.first_seen_time * 1000), last_seen_time_dt := make_timestamp(finding_info.last_seen_time * 1000)) END AS finding_info"

// lakeAlways are the columns that Security Lake has beside ours in every table.
const lakeAlways = "account AS accountid, strftime(time_dt, '%Y%m%d') AS eventday, make_timestamp(start_time * 1000) AS start_time_dt, make_timestamp(end_time * 1000) AS end_time_dt," +
	" list_filter([{name: 'src_endpoint.ip', value: src_endpoint.ip}, {name: 'dst_endpoint.ip', value: dst_endpoint.ip}, {name: 'src_endpoint.hostname', value: src_endpoint.hostname}," +
	" {name: 'query.hostname', value: query.hostname}, {name: 'actor.user.uid', value: actor.user.uid}, {name: 'actor.user.name', value: actor.user.name}," +
	" {name: 'resources[].uid', value: resources[1].uid}], lambda o: o.value IS NOT NULL) AS observables"

// lakeWords are words of Athena (Trino) that DuckDB lacks or means otherwise. Time is a plain timestamp in UTC there as in our time_dt, so
// that a comparison with CURRENT_TIMESTAMP passes over files.
var lakeWords = []string{
	"CREATE MACRO get_current_timestamp() AS (now() AT TIME ZONE 'UTC')",
	"CREATE MACRO cardinality(x) AS len(x)",
	"CREATE MACRO json_extract_scalar(x, path) AS json_extract_string(x, path)",
	"CREATE MACRO from_unixtime(x) AS make_timestamp((x * 1000000)::BIGINT)",
	"CREATE MACRO date_format(t, f) AS strftime(t, replace(f, '%i', '%M'))",
}

// withoutAnyMatch writes Athena's any_match(list, lambda), for which a macro cannot stand, as DuckDB says it. parsed is the question's
// parsed form; ok says that there was something to write.
func withoutAnyMatch(parsed []byte) (rewritten []byte, ok bool, err error) {
	d := json.NewDecoder(bytes.NewReader(parsed))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, false, fmt.Errorf("read the parsed question: %w", err)
	}
	var visit func(x any)
	visit = func(x any) {
		switch n := x.(type) {
		case []any:
			for _, item := range n {
				visit(item)
			}
		case map[string]any:
			for _, item := range n {
				visit(item)
			}
			if name, _ := n["function_name"].(string); strings.EqualFold(name, "any_match") && n["class"] == "FUNCTION" {
				inner := maps.Clone(n)
				inner["function_name"], inner["alias"] = "list_transform", ""
				n["function_name"], n["children"] = "list_bool_or", []any{inner}
				ok = true
			}
		}
	}
	visit(doc)
	rewritten, err = json.Marshal(doc)
	return rewritten, ok, err
}

func parsedJSON(column, shape string) string {
	return fmt.Sprintf("CASE WHEN json_valid(%s) THEN from_json(%s, '%s') END", column, column, shape)
}

// lakeViews makes the views that a question names.
func lakeViews(names []tableName) []string {
	if len(names) == 0 {
		return nil
	}
	regions := map[string]bool{}
	for _, t := range names {
		regions[t.region()] = true
	}
	out := append([]string{}, lakeWords...)
	for _, t := range names {
		at := ""
		switch {
		case t.catalog != "":
			out = append(out, "ATTACH IF NOT EXISTS ':memory:' AS "+t.catalog, "CREATE SCHEMA IF NOT EXISTS "+t.catalog+"."+t.schema)
			at = t.catalog + "." + t.schema + "."
		case t.schema != "":
			out = append(out, "CREATE SCHEMA IF NOT EXISTS "+t.schema)
			at = t.schema + "."
		}
		source := lakeSources[t.source()]
		where := source.records
		if len(regions) > 1 {
			where += " AND region = " + literal(t.region())
		}
		out = append(out, "CREATE VIEW "+at+t.table+" AS SELECT * EXCLUDE ("+source.without+"), "+lakeAlways+source.columns+" FROM memory.main.events WHERE "+where)
	}
	return out
}
