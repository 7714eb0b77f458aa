package collect

// Limits bound what is unpacked and what is kept. The zero value takes the defaults.
type Limits struct {
	// Ratio is how many bytes may come out of one that goes in, Free how many may come out before that is asked. Both
	// hold for each member, and for all members of a file on disk together (with twice Free), so that one bomb among
	// good members ends alone and a thousand small bombs end too.
	Ratio, Free int64
	Member      int64 // bytes that may come out of one member
	Members     int   // members of one file on disk, all levels together
	Depth       int   // layers of compression and packaging around a member
	Nested      int64 // bytes of a zip within an archive: it must be kept to be read
	Stream      int64 // bytes of standard input or of a FIFO: they must be kept to be read twice
}

// DefaultLimits let real logs through. CloudTrail packs 10 to 25 times; the most that a log of records with ids and
// times of their own reaches is about 190 times (zstd at its best level over identical calls, see TestRatioOfRealLogs),
// and deflate cannot pass 1032 times (RFC 1951: 258 bytes for two bits). Between them stands Ratio. 64 GiB in one
// member is two minutes of one core, and more than a year of CloudTrail of a large organisation in one file.
func DefaultLimits() Limits {
	return Limits{Ratio: 400, Free: 256 << 20, Member: 64 << 30, Members: 1_000_000, Depth: 5, Nested: 4 << 30, Stream: 64 << 30}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, p := range [][2]*int64{{&l.Ratio, &d.Ratio}, {&l.Free, &d.Free}, {&l.Member, &d.Member}, {&l.Nested, &d.Nested}, {&l.Stream, &d.Stream}} {
		if *p[0] <= 0 {
			*p[0] = *p[1]
		}
	}
	for _, p := range [][2]*int{{&l.Members, &d.Members}, {&l.Depth, &d.Depth}} {
		if *p[0] <= 0 {
			*p[0] = *p[1]
		}
	}
	return l
}
