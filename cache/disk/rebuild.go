package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// rebuild fills an empty index with the blobs there are, by their headers, and
// removes what is none of them. It returns how many it removed.
func rebuild(root *os.Root, x *index) (damaged int64, err error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return 0, err
	}
	const workers = 8 // they wait for the disk more than they compute
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		nodes  []node
		failed error
		shards = make(chan string)
	)
	for range workers {
		wg.Go(func() {
			for name := range shards {
				found, bad, err := readShard(root, name)
				mu.Lock()
				nodes = append(nodes, found...)
				damaged += bad
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for _, e := range entries {
		if isShard(e.Name()) && e.IsDir() {
			shards <- e.Name()
		}
	}
	close(shards)
	wg.Wait()
	addByUse(x, nodes)
	for _, n := range nodes {
		x.changed[n.key] = struct{}{}
	}
	return damaged, failed
}

// readShard returns the blobs of one directory. What is not named like a blob is
// not ours and stays.
func readShard(root *os.Root, name string) (nodes []node, damaged int64, err error) {
	shard, err := root.OpenRoot(name)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = shard.Close() }()
	dir, err := shard.Open(".")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, 0, err
	}
	slices.Sort(names)
	for _, file := range names {
		key, err := parseKey(file)
		if err != nil || key.shard() != name {
			continue
		}
		r, err := readRecord(shard, key)
		if err == nil {
			nodes = append(nodes, node{key, r})
		} else if _, ok := errors.AsType[damage](err); ok && shard.Remove(file) == nil {
			damaged++
		}
	}
	return nodes, damaged, nil
}

// readRecord returns what the index is to know of a blob.
func readRecord(shard *os.Root, key hash) (record, error) {
	f, info, err := openRegular(shard, key.String())
	if err != nil {
		return record{}, err
	}
	defer func() { _ = f.Close() }()
	header := make([]byte, maxHeader)
	n, err := io.ReadFull(f, header)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return record{}, err
	}
	if err := checkHeader(key, header[:n], info.Size()); err != nil {
		return record{}, err
	}
	return record{size: diskSize(info.Size()), created: nanos(createdOf(header)), used: nanos(info.ModTime())}, nil
}
