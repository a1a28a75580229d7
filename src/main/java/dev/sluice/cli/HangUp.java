package dev.sluice.cli;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.Semaphore;

/**
 * SIGHUP, which the JVM would end the process on.
 *
 * <p>The module jdk.unsupported has the only way to handle a signal in Java, and javac warns of it without a means to say that
 * this is understood: hence by reflection. Where that does not work (a JVM with {@code -Xrs}), the signal ends the process as
 * before.
 */
final class HangUp {
    private static final Logger LOG = System.getLogger(HangUp.class.getName());

    private HangUp() {}

    /** Has something done at every SIGHUP, on a thread of its own; signals meanwhile are one more. */
    static void handle(Runnable action) {
        Semaphore signals = new Semaphore(0);
        Thread.ofPlatform().name("sluice-hangup").daemon().start(() -> {
            while (true) {
                signals.acquireUninterruptibly();
                signals.drainPermits();
                action.run();
            }
        });
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler onSignal = (proxy, method, arguments) -> {
                signals.release();
                return null;
            };
            signal.getMethod("handle", signal, handler)
                    .invoke(
                            null,
                            signal.getConstructor(String.class).newInstance("HUP"),
                            Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, onSignal));
        } catch (ReflectiveOperationException e) {
            LOG.log(Level.WARNING, "SIGHUP does not reload but ends the director: {0}", e.getMessage());
        }
    }
}
