#!/bin/bash
# What a person does at zkCli.sh, each step a check by itself.
#
# Run as: suite.sh ZKCLI HOST:PORT,... PATH, where PATH does not exist. Prints "ok NAME" or "FAIL NAME REASON" for each
# check. A person whose connection was lost tries again, and takes it that the first try may have been done.
zkcli=$1 hosts=$2 top=$3

# check NAME WANT COMMAND...: one of the lines printed matches WANT.
check() {
	local name=$1 want=$2 out
	shift 2
	for try in 1 2 3 4; do
		out=$("$zkcli" -waitforconnection -timeout 10000 -server "$hosts" "$@" 2>&1)
		if grep -Eq "$want" <<<"$out"; then
			echo "ok $name"
			return
		fi
		grep -Eq 'ConnectionLoss|KeeperErrorCode = SessionExpired|not connected' <<<"$out" || break
	done
	echo "FAIL $name $(tail -n 3 <<<"$out" | tr '\n' ' ')"
}

check create "^Created $top\$|^Node already exists: $top\$" create "$top" one
check get '^one$' get "$top"
check set '' set "$top" two
check get_what_was_set '^two$' get "$top"
check create_sequential "^Created $top/n-00000000[0-9]{2}\$" create -s "$top/n-" x
check list '^\[n-00000000[0-9]{2}(, .*)?\]$' ls "$top"
check create_ephemeral "^Created $top/e\$|^Node already exists" create -e "$top/e" x
check stat '^numChildren = [1-9]' stat "$top"
check no_such_node "^Node does not exist: $top/none\$" get "$top/none"
check bad_version 'version No is not valid' set -v 99 "$top" three
check not_empty "^Node not empty: $top\$" delete "$top"
check delete_all '' deleteall "$top"
check deleted "^Node does not exist: $top\$" stat "$top"
