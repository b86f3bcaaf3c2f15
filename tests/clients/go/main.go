// Command trial does with go-redis what a worker does, against the Redis at 127.0.0.1:<port>.
// What it prints, and when it ends, is described in tests/clients/trial.ts.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/redis/go-redis/v9"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, port, channel, protocolText string) error {
	protocol, err := strconv.Atoi(protocolText)
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{
		Addr:       "127.0.0.1:" + port,
		Protocol:   protocol,
		ClientName: "trial",
		Username:   "worker",
		Password:   "secret",
	})
	defer client.Close()

	pong, err := client.Ping(ctx).Result()
	if err != nil {
		return err
	}
	fmt.Println("ping", pong)

	subscription := client.Subscribe(ctx, channel)
	defer subscription.Close()
	if _, err := subscription.Receive(ctx); err != nil {
		return err
	}
	messages := subscription.Channel()

	reached, err := client.Publish(ctx, channel, "one").Result()
	if err != nil {
		return err
	}
	fmt.Println("published", reached)

	var two, three *redis.IntCmd
	_, err = client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		two = pipe.Publish(ctx, channel, "two")
		three = pipe.Publish(ctx, channel, "three")
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println("pipeline", two.Val(), three.Val())

	key := []string{"tidings:{ann}:log"}
	update := `{"target_user_id":"ann","type":"t","payload":{"text":"é"}}`
	position, err := client.FCall(ctx, "tidings_publish", key, update).Text()
	if err != nil {
		return err
	}
	fmt.Println("stored", position)
	fmt.Println("refused", client.FCall(ctx, "tidings_publish", key, "{").Err())

	for message := range messages {
		if message.Payload == "stop" {
			return nil
		}
		fmt.Println("message", message.Payload)
		if message.Payload == "restarted" {
			if err := client.Publish(ctx, channel, "back").Err(); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the subscription ended")
}
