package main

import (
	"context"
	"encoding/json"
	"log"

	"github.com/redis/go-redis/v9"
)

// inbound hands messages of clients to the workers, as many in one round trip as wait.
type inbound struct {
	redis *redis.Client
	queue chan []byte
}

func newInbound(address string) *inbound {
	return &inbound{redis: redis.NewClient(&redis.Options{Addr: address}), queue: make(chan []byte, 1024)}
}

func (i *inbound) take(user string, data []byte) {
	message, err := json.Marshal(struct {
		UserID  string          `json:"user_id"`
		Payload json.RawMessage `json:"payload"`
	}{user, data})
	if err == nil {
		i.queue <- message
	}
}

func (i *inbound) run(ctx context.Context) {
	for message := range i.queue {
		_, err := i.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Publish(ctx, "inbound", message)
			for range min(len(i.queue), 255) {
				pipe.Publish(ctx, "inbound", <-i.queue)
			}
			return nil
		})
		if err != nil {
			log.Printf("inbound: %v", err)
		}
	}
}
