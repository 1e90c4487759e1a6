package zkbench

import (
	"strings"
	"testing"
)

func TestNumbersOfMntrAreRead(t *testing.T) {
	const answer = "zk_version\t3.8.0-mw, built on 01/02/2026 15:04 UTC\nzk_sum_snapshottime\t1250\nzk_avg_snapshottime\t12.5\nzk_server_state\tstandalone\n"
	got, err := parseMonitor(strings.NewReader(answer))
	if err != nil || len(got) != 2 || got["zk_sum_snapshottime"] != 1250 || got["zk_avg_snapshottime"] != 12.5 {
		t.Errorf("numbers = %v, %v", got, err)
	}
	if _, err := parseMonitor(strings.NewReader("mntr is not executed because it is not in the whitelist.\n")); err == nil {
		t.Error("an answer without numbers is no error")
	}
}
