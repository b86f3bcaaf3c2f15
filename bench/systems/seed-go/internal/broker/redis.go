// Package broker is the relay's side of Redis.
package broker

import (
	"context"
	"encoding/json"
	"log"

	"github.com/redis/go-redis/v9"
)

// Update is what a worker publishes.
type Update struct {
	TargetUserID string          `json:"target_user_id"`
	Type         string          `json:"type"`
	Payload      json.RawMessage `json:"payload"`
}

// Redis subscribes to updates and publishes what clients say.
type Redis struct {
	client *redis.Client
}

// New returns a broker on a Redis client.
func New(client *redis.Client) *Redis {
	return &Redis{client: client}
}

// Subscribe hands over every update until the context ends.
func (b *Redis) Subscribe(ctx context.Context, ready chan<- struct{}, deliver func(Update)) error {
	subscription := b.client.Subscribe(ctx, "updates")
	defer subscription.Close()
	if _, err := subscription.Receive(ctx); err != nil {
		return err
	}
	close(ready)
	// The channel of go-redis drops messages when it is full for long; reading here lets Redis hold them instead.
	for {
		message, err := subscription.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		var update Update
		if err := json.Unmarshal([]byte(message.Payload), &update); err != nil {
			log.Printf("malformed update: %v", err)
			continue
		}
		deliver(update)
	}
}

// Publish hands messages of clients to the workers, in one round trip.
func (b *Redis) Publish(ctx context.Context, messages [][]byte) error {
	_, err := b.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, message := range messages {
			pipe.Publish(ctx, "inbound", message)
		}
		return nil
	})
	return err
}
