// A Socket.IO server that does for rooms what a chat server of that kind does: who joins receives what is said.
//
// Started by `cargo xtask load`: node socketio.mjs MODULES, where MODULES is a folder with node_modules/socket.io.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, {
    // The defaults, but for polling, which nobody here uses.
    transports: ["websocket"],
    serveClient: false,
});

io.on("connection", (socket) => {
    socket.on("join", (room, joined) => {
        socket.join(room);
        joined();
    });
    socket.on("say", (room, message) => io.to(room).emit("message", message));
});

http.listen(0, "127.0.0.1", 4096, () => {
    console.log(`listening on ws://127.0.0.1:${http.address().port}/`);
});
