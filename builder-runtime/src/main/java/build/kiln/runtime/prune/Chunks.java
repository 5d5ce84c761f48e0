package build.kiln.runtime.prune;

import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.ShardStore.Stored;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * One document, compressed, in as many values as it needs: {@code 000}, {@code 001} and so on. A
 * document that was written in part only, since somebody else wrote too, cannot be unpacked, and
 * counts as none.
 */
public final class Chunks {
  /** Base64 adds a third to it. */
  private static final int SIZE = 600_000;

  private Chunks() {}

  /** Compresses a document. */
  public static byte[] pack(byte[] document) throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(packed)) {
      out.write(document);
    }
    return packed.toByteArray();
  }

  /**
   * Replaces what is there.
   *
   * @throws PruneException LEDGER_BUSY if somebody else does so at the same time
   */
  public static void write(ShardStore store, byte[] packed) throws IOException {
    Map<String, Stored> before = store.load();
    Map<String, byte[]> wanted = add(store, "", packed, before);
    for (var chunk : before.entrySet()) {
      if (!wanted.containsKey(chunk.getKey())) {
        check(store.remove(chunk.getKey(), chunk.getValue().version()));
      }
    }
  }

  /**
   * Writes a document under a name of its own, beside what else is there.
   *
   * @param prefix what the names of its values begin with
   * @param before what is there
   */
  static Map<String, byte[]> add(
      ShardStore store, String prefix, byte[] packed, Map<String, Stored> before)
      throws IOException {
    Map<String, byte[]> wanted = new TreeMap<>();
    for (int from = 0; from < packed.length; from += SIZE) {
      wanted.put(
          prefix + "%03d".formatted(from / SIZE),
          Arrays.copyOfRange(packed, from, Math.min(packed.length, from + SIZE)));
    }
    for (var chunk : wanted.entrySet()) {
      Stored there = before.get(chunk.getKey());
      if (there != null && Arrays.equals(there.bytes(), chunk.getValue())) {
        continue;
      }
      check(store.put(chunk.getKey(), chunk.getValue(), there == null ? null : there.version()));
    }
    return wanted;
  }

  private static void check(boolean written) throws PruneException {
    if (!written) {
      throw new PruneException(
          Code.LEDGER_BUSY,
          "tried to keep what the run found but another run of the policy did so at the same time; run again");
    }
  }

  /**
   * Puts together what {@link #write} took apart.
   *
   * @param chunks in their order
   */
  public static byte[] unpack(Collection<byte[]> chunks) throws IOException {
    var packed = new ByteArrayOutputStream();
    for (byte[] chunk : chunks) {
      packed.write(chunk);
    }
    try (var in = new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray()))) {
      return in.readAllBytes();
    }
  }
}
