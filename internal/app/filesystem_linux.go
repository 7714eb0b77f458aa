package app

import "syscall"

// fileSystems are names by the magic number that statfs(2) gives.
var fileSystems = map[int64]string{
	0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x2FC12FC1: "zfs", 0xF2F52010: "f2fs", 0x794C7630: "overlayfs", 0x01021994: "tmpfs", 0x858458F6: "ramfs",
	0x6969: "nfs", 0xFE534D42: "smb", 0xFF534D42: "cifs", 0x01021997: "9p", 0x65735546: "fuse", 0x4D44: "vfat",
}

// fileSystem names the file system of a folder.
func fileSystem(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return "an unknown file system"
	}
	if name := fileSystems[int64(uint32(s.Type))]; name != "" { //nolint:gosec,unconvert // the number's width differs by machine
		return name
	}
	return "an unknown file system"
}

// freeBytes is what a folder's disk has left for this user.
func freeBytes(dir string) (free int64, ok bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true //nolint:gosec // bytes of a disk
}
