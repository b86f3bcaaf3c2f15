// Command centrifuge is a relay on the library that is the engine of Centrifugo v6: its WebSocket endpoint, its Redis
// broker, HS256 tokens, and one server-side subscription for each user to the user's personal channel, as Centrifugo's
// option `subscribe_to_user_personal_channel` makes it. `centrifuge publish <channel> <json>` is a worker that publishes
// once.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"
)

// everyone is the channel of broadcasts.
const everyone = "everyone"

func newNode() (*centrifuge.Node, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: os.Getenv("REDIS_ADDR")})
	if err != nil {
		return nil, err
	}
	broker, err := centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
	if err != nil {
		return nil, err
	}
	node.SetBroker(broker)
	return node, nil
}

func connecting(secret []byte, withBroadcasts bool) centrifuge.ConnectingHandler {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	return func(_ context.Context, event centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		var claims jwt.RegisteredClaims
		_, err := parser.ParseWithClaims(event.Token, &claims, func(*jwt.Token) (any, error) { return secret, nil })
		if err != nil || claims.Subject == "" {
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		subscriptions := map[string]centrifuge.SubscribeOptions{"#" + claims.Subject: {}}
		if withBroadcasts {
			subscriptions[everyone] = centrifuge.SubscribeOptions{}
		}
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{UserID: claims.Subject},
			Subscriptions: subscriptions,
		}, nil
	}
}

func serve(node *centrifuge.Node) error {
	inbound := newInbound(os.Getenv("REDIS_ADDR"))
	node.OnConnecting(connecting([]byte(os.Getenv("JWT_SECRET")), os.Getenv("BROADCASTS") == "true"))
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnMessage(func(event centrifuge.MessageEvent) { inbound.take(client.UserID(), event.Data) })
	})
	if err := node.Run(); err != nil {
		return err
	}
	go inbound.run(context.Background())
	mux := http.NewServeMux()
	mux.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin:        func(*http.Request) bool { return true },
		ReadBufferSize:     1024,
		UseWriteBufferPool: true,
	}))
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

func main() {
	node, err := newNode()
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) == 4 && os.Args[1] == "publish" {
		if err := node.Run(); err != nil {
			log.Fatal(err)
		}
		if _, err := node.Publish(os.Args[2], []byte(os.Args[3])); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := serve(node); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
