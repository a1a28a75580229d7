package dev.sluice.cli.ipvsadm;

import dev.sluice.control.config.DirectorConfig;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;

/**
 * The command line of ipvsadm 1.31: the same words, messages, listings and exit codes, for a director instead of the kernel.
 * Follows ipvsadm(8) and recordings of what Debian's ipvsadm does. One instance for one command line.
 */
public final class Ipvsadm {
    private static final String OWN_NAME = "ipvsadm";
    private static final String VERSION = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";

    private final String name;
    private final Names names;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final Execution execution;

    Ipvsadm(String name, Director director, Names names, InputStream in, PrintStream out, PrintStream err) {
        this.name = name;
        this.names = names;
        this.in = in;
        this.out = out;
        this.err = err;
        execution = new Execution(director, names, out);
    }

    /**
     * Runs a command line and ends the JVM with its exit code. {@code SLUICE_IPVSADM_NAME} tells by which name it was called.
     */
    public static void main(String[] args) {
        Charset charset = StandardCharsets.UTF_8;
        PrintStream out = new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, charset);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, charset);
        String name = System.getenv().getOrDefault("SLUICE_IPVSADM_NAME", "sluice " + OWN_NAME);
        System.exit(run(Arrays.asList(args), name, System.in, out, err, System.getenv()));
    }

    /**
     * Runs a command line.
     *
     * @param words what follows the command's own name
     * @param name the command's own name, for help and hints
     * @param in read by {@code -R} only
     * @param out is flushed
     * @param environment {@code SLUICE_SOCKET} names the director's admin socket
     * @return the exit code
     */
    public static int run(
            List<String> words,
            String name,
            InputStream in,
            PrintStream out,
            PrintStream err,
            Map<String, String> environment) {
        String socket = environment.getOrDefault("SLUICE_SOCKET", "");
        Director director = new SocketDirector(socket.isEmpty() ? DirectorConfig.DEFAULT_SOCKET : Path.of(socket));
        return run(words, name, director, new SystemNames(), in, out, err);
    }

    static int run(
            List<String> words,
            String name,
            Director director,
            Names names,
            InputStream in,
            PrintStream out,
            PrintStream err) {
        return new Ipvsadm(name, director, names, in, out, err).run(words);
    }

    private int run(List<String> words) {
        try {
            Request request = RequestReader.read(words, name, false, names);
            if (request.command() == IpvsCommand.RESTORE) {
                return restore();
            }
            carryOut(request);
            return 0;
        } catch (IpvsadmException e) {
            return failed(e);
        } finally {
            out.flush();
        }
    }

    private int failed(IpvsadmException e) {
        out.flush();
        err.print(e.text() + "\n");
        err.flush();
        return e.exitCode();
    }

    private void carryOut(Request request) throws IpvsadmException {
        switch (request.command()) {
            case HELP -> out.print(VERSION + help());
            case VERSION -> out.print(VERSION);
            default -> execution.run(request);
        }
    }

    /** Goes on when the director refuses a line, ends at one that makes no sense; the last line decides the exit code. */
    private int restore() throws IpvsadmException {
        int exitCode = 0;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isBlank()) {
                    continue;
                }
                List<String> words = words(line);
                Request request = RequestReader.read(words, name, true, names);
                try {
                    carryOut(request);
                    exitCode = 0;
                } catch (IpvsadmException e) {
                    if (!e.isRefusal()) {
                        throw e;
                    }
                    exitCode = failed(e);
                }
                if (request.command() == IpvsCommand.HELP || request.command() == IpvsCommand.VERSION) {
                    return 0;
                }
            }
        } catch (IOException e) {
            throw IpvsadmException.fatal("standard input cannot be read: " + e.getMessage(), IpvsadmException.USAGE);
        }
        return exitCode;
    }

    /** The words of a line of rules, which may begin with the command's name. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        for (StringTokenizer tokens = new StringTokenizer(line, " \t\u000b\f\r"); tokens.hasMoreTokens(); ) {
            String word = tokens.nextToken();
            if (!words.isEmpty() || !word.equals(OWN_NAME)) {
                words.add(word);
            }
        }
        return words;
    }

    private String help() {
        // Who calls it ipvsadm gets what ipvsadm says, to the letter.
        String text = help("help.txt") + (name.equals(OWN_NAME) ? "" : help("help-fullnat.txt"));
        return text.replace("@NAME@", name);
    }

    private static String help(String resource) {
        try (InputStream text = Ipvsadm.class.getResourceAsStream(resource)) {
            if (text == null) {
                throw new AssertionError(resource + " is missing from the jar");
            }
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
