package hunt

import (
	"strconv"

	"github.com/valyala/fastjson"
)

// maxFlat bounds the values that are taken out of one record.
const maxFlat = 2000

// flatten lists the leaves of a record by their path, as rules name them: arrays add no step.
func flatten(raw []byte) map[string][]string {
	out := map[string][]string{}
	doc, err := fastjson.ParseBytes(raw)
	if err != nil {
		return out
	}
	n := 0
	var walk func(path string, v *fastjson.Value)
	walk = func(path string, v *fastjson.Value) {
		if n >= maxFlat {
			return
		}
		switch v.Type() {
		case fastjson.TypeObject:
			v.GetObject().Visit(func(key []byte, item *fastjson.Value) {
				below := string(key)
				if path != "" {
					below = path + "." + below
				}
				walk(below, item)
			})
		case fastjson.TypeArray:
			for _, item := range v.GetArray() {
				walk(path, item)
			}
		case fastjson.TypeString:
			n++
			out[path] = append(out[path], string(v.GetStringBytes()))
		case fastjson.TypeTrue, fastjson.TypeFalse:
			n++
			out[path] = append(out[path], strconv.FormatBool(v.Type() == fastjson.TypeTrue))
		case fastjson.TypeNumber:
			n++
			out[path] = append(out[path], v.String())
		}
	}
	walk("", doc)
	return out
}
