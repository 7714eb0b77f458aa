package simulate

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Formats lists what an organisation's logs can be, in the order in which they are written.
func Formats() []string {
	return []string{"cloudtrail", "vpcflow", "resolver", "alb", "waf", "s3access", "guardduty"}
}

func chooseFormats(asked []string) ([]string, error) {
	switch {
	case len(asked) == 0:
		return []string{"cloudtrail"}, nil
	case slices.Contains(asked, "all"):
		return Formats(), nil
	}
	for _, f := range asked {
		if !slices.Contains(Formats(), f) {
			return nil, fmt.Errorf("simulate: there is no format %q; there are %s", f, strings.Join(Formats(), ", "))
		}
	}
	return slices.Compact(slices.SortedFunc(slices.Values(asked), func(a, b string) int {
		return cmp.Compare(slices.Index(Formats(), a), slices.Index(Formats(), b))
	})), nil
}

// line is one record of a format other than CloudTrail, and where it is written.
type line struct {
	place place
	at    time.Time // of what it records
	text  string
	id    string // its own, where the format has one: GuardDuty's id@updatedAt
	mark  *mark  // whose attack it is, or nil
}

// place is what AWS writes one series of files for.
type place struct {
	format  string
	account int
	region  string
	unit    string // VPC, load balancer, web ACL, bucket
}

// mark says which step of which attack something belongs to.
type mark struct {
	attack       int
	tactic, step string
}

// packer makes objects of lines as each service delivers them.
type packer struct {
	r      *rand.Rand
	bodies []string // formats whose objects get one
	labels *Labels
}

// packed are how long a file of a format spans and how long after that it is delivered. S3 writes access logs "within a few hours", the others every
// five to ten minutes; a quarter of an hour keeps a small organisation from being thousands of files of one line.
func packed(format string) (period, delay time.Duration) {
	switch format {
	case "s3access":
		return time.Hour, 45 * time.Minute
	case "guardduty":
		return 5 * time.Minute, time.Minute
	}
	return 15 * time.Minute, 2 * time.Minute
}

func (p *packer) day(list []line) ([]object, error) {
	slices.SortStableFunc(list, func(a, b line) int { return a.at.Compare(b.at) })
	type key struct {
		place place
		end   time.Time
	}
	files := map[key][]line{}
	var order []key
	for _, x := range list {
		period, _ := packed(x.place.format)
		k := key{x.place, x.at.UTC().Truncate(period).Add(period)}
		if files[k] == nil {
			order = append(order, k)
		}
		files[k] = append(files[k], x)
	}
	var out []object
	for _, k := range order {
		o, err := p.file(k.place, k.end, files[k])
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (p *packer) file(w place, end time.Time, list []line) (object, error) {
	_, delay := packed(w.format)
	o := object{format: w.format, path: w.key(end, unique(p.r, 16)), at: end.Add(delay), events: len(list)}
	first := 1
	if w.format == "vpcflow" {
		first = 2
	}
	for i, x := range list {
		if x.mark == nil {
			continue
		}
		if x.id != "" {
			p.labels.add(x.mark, x.id, time.Time{})
			continue
		}
		p.labels.add(x.mark, fmt.Sprintf("%s#%d", o.path, first+i), x.at)
	}
	if !slices.Contains(p.bodies, o.format) {
		return o, nil
	}
	text := func(w io.Writer) error {
		if o.format == "vpcflow" {
			if _, err := io.WriteString(w, flowHeader+"\n"); err != nil {
				return err
			}
		}
		for _, x := range list {
			if _, err := io.WriteString(w, x.text+"\n"); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	if w.format == "s3access" { // the one that S3 does not compress
		var b strings.Builder
		err = text(&b)
		o.body = []byte(b.String())
		return o, err
	}
	o.body, err = gzipped(func(z *gzip.Writer) error { return text(z) })
	return o, err
}

// key is the object's key, as each service's guide has it.
func (w place) key(end time.Time, random string) string {
	account, day := accounts[w.account].id, end.Format("2006/01/02")
	root := "AWSLogs/" + account + "/"
	switch w.format {
	case "vpcflow":
		return fmt.Sprintf("%svpcflowlogs/%s/%s/%s_vpcflowlogs_%s_fl-%s_%s_%s.log.gz", root, w.region, day, account, w.region, hash(w.unit, 17), end.Format(stamp), hash(random, 8))
	case "resolver":
		return fmt.Sprintf("%svpcdnsquerylogs/%s/%s/%s_vpcdnsquerylogs_%s_%s_%s.log.gz", root, w.unit, day, w.unit, account, end.Format(stamp), hash(random, 8))
	case "alb":
		return fmt.Sprintf("%selasticloadbalancing/%s/%s/%s_elasticloadbalancing_%s_app.%s_%s_%s_%s.log.gz",
			root, w.region, day, account, w.region, strings.ReplaceAll(w.unit, "/", "."), end.Format(stamp), balancerNodes[0], random[:8])
	case "waf":
		return fmt.Sprintf("%sWAFLogs/%s/%s/%s/%s_waflogs_%s_%s_%s_%s.log.gz", root, w.region, w.unit, end.Format("2006/01/02/15/04"), account, w.region, w.unit, end.Format(stamp), hash(random, 8))
	case "s3access":
		return fmt.Sprintf("s3access/%s/%s/%s/%s/%s-%s", account, w.region, w.unit, day, end.Format("2006-01-02-15-04-05"), strings.ToUpper(hash(random, 16)))
	default: // GuardDuty
		h := hash(random, 32)
		return fmt.Sprintf("%sGuardDuty/%s/%s/%s-%s-%s-%s-%s.jsonl.gz", root, w.region, day, h[:8], h[8:12], h[12:16], h[16:20], h[20:])
	}
}
