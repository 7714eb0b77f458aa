package collect

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
)

// tar opens the regular files of a tar, in its order. Links and devices are nothing to read.
func (o *opening) tar(l layer) error {
	whole := o.guarded(l, l.name, "tar", nil, false)
	tr := tar.NewReader(l.in)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return o.stopped(l)
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are never paths here
			_ = whole.explain(err)
			return o.stopped(l)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			continue
		}
		if err := o.another(l.name, l.from.offset()); err != nil {
			return err
		}
		name := l.name + "!" + label(h.Name)
		if isSparse(h) {
			_ = o.report(name, l.from.offset(), ReasonUnsupported, "sparse file in a tar: pack it without --sparse")
			continue
		}
		g := o.guarded(l, name, "tar", tr, false)
		if err := o.inner(l, name, g); err != nil {
			return err
		}
		if g.failed != nil { // the tar itself broke off within the member, and that is told
			return o.stopped(l)
		}
	}
}

// isSparse tells a member that announces holes: a few bytes could stand for exabytes of zeros.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
