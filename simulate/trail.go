package simulate

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"time"
)

// trail packs records as CloudTrail delivers them: a file per account, Region and quarter of an hour; unordered, sometimes twice, sometimes late.
type trail struct {
	r      *rand.Rand
	sketch bool
}

// quarter is what a file spans. It is delivered at its end, so that nothing in it is of the future.
const quarter = 15 * time.Minute

func (t *trail) day(records []record) ([]object, error) {
	sort.SliceStable(records, func(i, j int) bool { return records[i].at.Before(records[j].at) })
	type key struct {
		account int
		region  string
		at      time.Time
	}
	files := map[key][]m{}
	var order []key
	for _, r := range records {
		late := time.Duration(5+t.r.IntN(8)) * time.Minute
		if t.r.IntN(400) == 0 {
			late += 3 * time.Hour
		}
		copies := 1
		if t.r.IntN(500) == 0 {
			copies = 2
		}
		for range copies {
			k := key{r.account, r.region, r.at.Add(late).UTC().Truncate(quarter)}
			if files[k] == nil {
				order = append(order, k)
			}
			files[k] = append(files[k], r.body)
			late += quarter
		}
	}
	var out []object
	for _, k := range order {
		list := files[k]
		t.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		o, err := t.file(accounts[k.account].id, k.region, k.at, list)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (t *trail) file(account, region string, at time.Time, list []m) (object, error) {
	o := object{format: "cloudtrail", at: at.Add(quarter), events: len(list)}
	o.path = fmt.Sprintf("AWSLogs/%s/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", orgID, account, region, at.Format("2006/01/02"), account, region, at.Format(stamp), unique(t.r, 16))
	if t.sketch {
		return o, nil
	}
	var err error
	o.body, err = gzippedJSON(m{"Records": list})
	return o, err
}

// stamp is how AWS writes a time into the names of files.
const stamp = "20060102T1504Z"
