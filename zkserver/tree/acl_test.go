package tree

import (
	"strings"
	"testing"
)

func TestResolvedACLIsBoundedInBytes(t *testing.T) {
	digest := func(size int) string { return strings.Repeat("u", size-2) + ":h" }
	auths := func(n int) (acl []ACL) {
		for i := range n {
			acl = append(acl, ACL{Perms: PermAll | int32(i)<<8, Scheme: "auth"})
		}
		return acl
	}
	tests := []struct {
		name string
		acl  []ACL
		auth []ID
		want error
	}{
		{name: "one long identity", acl: []ACL{{PermAll, "digest", digest(60_000)}}},
		{name: "one too long", acl: []ACL{{PermAll, "digest", digest(70_000)}}, want: ErrInvalidACL},
		{name: "auth a few times", acl: auths(10), auth: []ID{{"digest", digest(4000)}}},
		{name: "auth many times", acl: auths(200), auth: []ID{{"digest", digest(4000)}}, want: ErrInvalidACL},
		{name: "auth for all of one long identity", acl: auths(1), auth: []ID{{"digest", digest(1 << 20)}}, want: ErrInvalidACL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			acl, err := resolveACL(tt.acl, &Txn{Auth: tt.auth})
			if err != tt.want || aclBytes(acl) > maxACLBytes {
				t.Errorf("resolved to %d bytes, %v; want %v", aclBytes(acl), err, tt.want)
			}
		})
	}
}
