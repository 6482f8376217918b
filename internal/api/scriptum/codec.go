package scriptum

import (
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that this one wraps
	"google.golang.org/grpc/mem"

	"github.com/sluice-dev/sluice"
)

// codec reads messages. What it cannot read, gRPC would answer as an error of the
// server; here it is kept with its message until an interceptor answers for it.
type codec struct {
	encoding.CodecV2
	unread sync.Map // of messages to errors
}

func newCodec() *codec { return &codec{CodecV2: encoding.GetCodecV2("proto")} }

// Unmarshal reads a message, or keeps why it cannot be read.
func (c *codec) Unmarshal(data mem.BufferSlice, into any) error {
	if err := c.CodecV2.Unmarshal(data, into); err != nil {
		c.unread.Store(into, err)
	}
	return nil
}

// check returns the error of a message that could not be read.
func (c *codec) check(message any) error {
	cause, bad := c.unread.LoadAndDelete(message)
	if !bad {
		return nil
	}
	err := cause.(error)
	if strings.Contains(err.Error(), "invalid UTF-8") {
		return sluice.Errorf(sluice.Invalid, "a text in the message is not UTF-8").Fix("send text as UTF-8, and other bytes in base64").Because(err)
	}
	return sluice.Errorf(sluice.Invalid, "the message is not one that this call takes").Fix("make it from the .proto file, or by reflection").Because(err)
}

// checkedStream checks each message that a stream brings.
type checkedStream struct {
	grpc.ServerStream
	codec *codec
}

func (s checkedStream) RecvMsg(into any) error {
	if err := s.ServerStream.RecvMsg(into); err != nil {
		return err
	}
	return s.codec.check(into)
}
