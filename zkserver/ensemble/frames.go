package ensemble

// The first byte of a frame says what it is. The numbers are for ever: members of
// two versions may meet.
const (
	frameForward  = 1 // forward.go: commands for the leader, and that it has them
	frameAccepted = 2
	frameHello    = 3 // form.go, applicant.go: who has no ensemble, and what it is told
	frameWelcome  = 4
	frameWait     = 5
	frameTaken    = 6
	frameTell     = 7 // tell.go: a message for the leader, and that it was heard
	frameTold     = 8
	frameRelay    = 9  // applicant.go: a follower tells the leader of an applicant
	frameReturn   = 10 // never sent: from Admit to the raft loop
	frameRefused  = 11 // forward.go: that the leader has not taken commands
	frameSpeaks   = 12 // version.go: a member tells the leader what it speaks
	frameRoom     = 13 // room.go: how much room a log has
	frameOwn      = 14 // form.go: who has data of its own, and asks whether the others have
)

// receiveFrame takes a frame; who may send which, hears has looked at. One that
// makes no sense is dropped: the transport has checked that it is whole, so that
// it comes from a version that says more.
func (l *loop) receiveFrame(from int, b []byte) {
	if len(b) == 0 {
		return
	}
	switch b[0] {
	case frameForward, frameAccepted, frameRefused:
		f, err := decodeForward(b)
		if err != nil {
			l.log.Warn().Int("member", from).Err(err).Msg("frame dropped")
			return
		}
		switch b[0] {
		case frameAccepted:
			l.forwards.accepted(f)
		case frameRefused:
			l.forwards.refused(f)
		default:
			l.receiveForward(from, f)
		}
	case frameTell:
		l.receiveTell(from, b)
	case frameTold:
		l.receiveTold(b)
	case frameHello, frameReturn:
		l.receiveHello(from, b)
	case frameRoom:
		l.receiveRoom(from, b)
	case frameRelay:
		l.receiveRelay(b)
	case frameSpeaks:
		l.receiveSpeaks(from, b)
	}
}
