package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Problem is something that could not be read. Reason is short and stable, so that problems can be grouped.
//
// As an error it comes from the stream of a member that broke off: it has been reported by then.
type Problem struct {
	Source string // file, archive members after "!"; printable
	Offset int64  // of compressed bytes, in the innermost zip of Source, else in the file; -1 where none applies
	Reason string
	Detail string
}

// The reasons of a Problem. Damage to a format is named with it: "truncated gzip", "corrupt zip", see damaged.
const (
	ReasonMissing     = "no such file or folder"
	ReasonDenied      = "not allowed to read"
	ReasonSpecial     = "not a regular file"
	ReasonLoop        = "loop of symbolic links"
	ReasonUnreadable  = "cannot be read"
	ReasonChanged     = "changed while it was read"
	ReasonKeep        = "cannot be kept for reading"
	ReasonBomb        = "unpacks beyond the limit"
	ReasonNested      = "archives nested too deep"
	ReasonMembers     = "too many members in an archive"
	ReasonEncrypted   = "encrypted archive member"
	ReasonUnsupported = "compression that is not supported"
)

// Error names place, reason and detail.
func (p *Problem) Error() string {
	if p.Offset < 0 {
		return fmt.Sprintf("%s: %s: %s", p.Source, p.Reason, p.Detail)
	}
	return fmt.Sprintf("%s: byte %d: %s: %s", p.Source, p.Offset, p.Reason, p.Detail)
}

// pathProblem explains why the system would not give a file or folder.
func pathProblem(path string, err error) Problem {
	reason := ReasonUnreadable
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = ReasonMissing
	case errors.Is(err, fs.ErrPermission):
		reason = ReasonDenied
	case errors.Is(err, syscall.ELOOP):
		reason = ReasonLoop
	}
	return Problem{label(path), -1, reason, plain(err)}
}

// openProblem explains why a listed file would not open.
func openProblem(f *File, err error) Problem {
	p := pathProblem(f.path, err)
	if p.Source = f.Name; errors.Is(err, errNotRegular) {
		p.Reason = ReasonChanged
	}
	return p
}

// plain takes the path out of an error of the os package: the message names it already.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
