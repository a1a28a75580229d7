package dev.sluice.health;

/** Makes checks of probes, and has what they share. Any thread. */
final class CheckFactory implements AutoCloseable {
    private final EchoSockets echoes = new EchoSockets();

    /** Throws {@link IllegalArgumentException} for a probe that cannot be meant. */
    Check of(Probe probe) {
        return switch (probe) {
            case Probe.Tcp _ -> new TcpCheck();
            case Probe.Http http -> new HttpCheck(http);
            case Probe.Udp udp -> new UdpCheck(udp);
            case Probe.Dns dns -> new DnsCheck(dns);
            case Probe.Ping _ -> new PingCheck(echoes);
            case Probe.Smtp smtp -> new SmtpCheck(smtp);
            case Probe.Script script -> new ScriptCheck(script);
            case Probe.Grpc grpc -> new GrpcCheck(grpc);
        };
    }

    @Override
    public void close() {
        echoes.close();
    }
}
