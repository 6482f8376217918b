package gitrepo

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"

	"github.com/sluice-dev/sluice"
)

// NewObject is an object that is to be written.
type NewObject struct {
	ID      OID // as [Repo.Hash] gives it
	Kind    string
	Content []byte
}

// kindNumbers are the types of objects in a pack, as Git's gitformat-pack
// documents them.
var kindNumbers = map[string]byte{"commit": 1, "tree": 2, "blob": 3, "tag": 4}

// maxPack bounds the bytes that one pack is made of in memory.
const maxPack = 64 << 20

// PutPack writes many objects as packs, with one process each, which checks them
// and makes them durable. An object that is there already does no harm.
func (r *Repo) PutPack(ctx context.Context, objects []NewObject) error {
	for len(objects) > 0 {
		n, size := 0, 0
		for n < len(objects) && (n == 0 || size+len(objects[n].Content) <= maxPack) {
			size += len(objects[n].Content)
			n++
		}
		pack, err := r.encodePack(objects[:n])
		if err != nil {
			return err
		}
		if _, err := r.Run(ctx, pack, "index-pack", "--stdin", "--strict"); err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

// encodePack writes a pack of whole objects, version 2.
func (r *Repo) encodePack(objects []NewObject) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("PACK")
	head := binary.BigEndian.AppendUint32(nil, 2)
	b.Write(binary.BigEndian.AppendUint32(head, uint32(len(objects))))
	deflate, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		kind, known := kindNumbers[o.Kind]
		if !known {
			return nil, sluice.Errorf(sluice.Internal, "a pack holds no %q", o.Kind)
		}
		writeObjectHead(&b, kind, len(o.Content))
		deflate.Reset(&b)
		if _, err := deflate.Write(o.Content); err != nil {
			return nil, err
		}
		if err := deflate.Close(); err != nil {
			return nil, err
		}
	}
	sum := r.newHash()
	sum.Write(b.Bytes())
	return sum.Sum(b.Bytes()), nil
}

// writeObjectHead writes type and size: four bits of the size, then seven a byte.
func writeObjectHead(b *bytes.Buffer, kind byte, size int) {
	c := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b.WriteByte(c | 0x80)
		c = byte(size & 0x7f)
	}
	b.WriteByte(c)
}
