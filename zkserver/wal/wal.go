// Package wal is the segmented log and the snapshot files of a member.
package wal
