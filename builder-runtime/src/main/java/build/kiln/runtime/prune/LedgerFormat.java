package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.PruneException.Code;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A shard as text, compressed: a line {@code kiln-ledger 1 LATEST}, then for each repository a line
 * {@code r NAME}, and for each digest of it {@code ALGORITHM-HEX FIRST-SEEN UNTAGGED-SINCE
 * LAST-SEEN STATE TAG=SINCE...}. Times are seconds since 1970 in base 36, LAST-SEEN days; {@code -}
 * is none.
 */
final class LedgerFormat {
  private static final String HEAD = "kiln-ledger 1 ";
  private static final int BASE = 36;

  private LedgerFormat() {}

  /** The same bytes for equal ledgers. */
  static byte[] write(Ledger ledger) {
    var text = new StringBuilder(HEAD).append(time(ledger.latest())).append('\n');
    new TreeMap<>(ledger.repositories())
        .forEach(
            (name, entries) -> {
              text.append("r ").append(name).append('\n');
              new TreeMap<>(entries).forEach((digest, entry) -> write(text, digest, entry));
            });
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  private static void write(StringBuilder text, Digest digest, LedgerEntry entry) {
    text.append(digest.algorithm())
        .append('-')
        .append(digest.hex())
        .append(' ')
        .append(time(entry.firstSeen()))
        .append(' ')
        .append(entry.untaggedSince() == null ? "-" : time(entry.untaggedSince()))
        .append(' ')
        .append(Long.toString(entry.lastSeen(), BASE))
        .append(' ')
        .append(
            switch (entry.state()) {
              case THERE -> '+';
              case DOOMED -> 'x';
              case GONE -> '0';
            });
    new TreeMap<>(entry.tags())
        .forEach((tag, since) -> text.append(' ').append(tag).append('=').append(time(since)));
    text.append('\n');
  }

  private static String time(Instant time) {
    return Long.toString(time.getEpochSecond(), BASE);
  }

  /**
   * Reads a shard.
   *
   * @param name for messages
   */
  static Ledger read(String name, byte[] bytes) throws PruneException {
    try (var gzip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      return parse(new String(gzip.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException
        | OciException
        | NumberFormatException
        | IndexOutOfBoundsException
        | IllegalStateException e) {
      throw new PruneException(
          Code.LEDGER_INVALID,
          "tried to read the shard %s of the ledger but it is damaged (%s); restore it, or remove the whole ledger: then everything counts as seen for the first time"
              .formatted(name, e.getMessage()),
          e);
    }
  }

  private static Ledger parse(String text) {
    if (!text.startsWith(HEAD)) {
      throw new IllegalStateException("it does not begin with \"" + HEAD.strip() + "\"");
    }
    Map<String, Map<Digest, LedgerEntry>> repositories = new HashMap<>();
    @Nullable Map<Digest, LedgerEntry> entries = null;
    Instant latest = Instant.EPOCH;
    for (String line : text.split("\n", -1)) {
      if (line.startsWith(HEAD)) {
        latest = time(line.substring(HEAD.length()));
      } else if (line.startsWith("r ")) {
        entries = repositories.computeIfAbsent(line.substring(2), ignored -> new HashMap<>());
      } else if (!line.isEmpty()) {
        if (entries == null) {
          throw new IllegalStateException("a digest stands before any repository");
        }
        add(line.split(" ", -1), entries);
      }
    }
    return new Ledger(latest, repositories);
  }

  private static void add(String[] fields, Map<Digest, LedgerEntry> entries) {
    int hyphen = fields[0].indexOf('-');
    Map<String, Instant> tags = new HashMap<>();
    for (int i = 5; i < fields.length; i++) {
      int equals = fields[i].lastIndexOf('=');
      tags.put(fields[i].substring(0, equals), time(fields[i].substring(equals + 1)));
    }
    entries.put(
        new Digest(fields[0].substring(0, hyphen), fields[0].substring(hyphen + 1)),
        new LedgerEntry(
            time(fields[1]),
            fields[2].equals("-") ? null : time(fields[2]),
            Long.parseLong(fields[3], BASE),
            tags,
            switch (fields[4]) {
              case "+" -> State.THERE;
              case "x" -> State.DOOMED;
              case "0" -> State.GONE;
              default -> throw new IllegalStateException("unknown state " + fields[4]);
            }));
  }

  private static Instant time(String text) {
    return Instant.ofEpochSecond(Long.parseLong(text, BASE));
  }
}
