//go:build unix

package source

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openQuietly opens a file for reading. A FIFO does not make it wait, and a link that took the file's place is refused.
func openQuietly(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}

// identityOf names a file whatever it is called; "" where the system has no such name.
func identityOf(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("inode/%d/%d", s.Dev, s.Ino)
}
