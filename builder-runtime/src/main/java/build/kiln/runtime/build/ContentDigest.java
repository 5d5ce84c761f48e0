package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a cache key says of files: a Merkle digest over names, kinds, modes, owners, extended
 * attributes, link targets, which are hard links of one file, and content, but never times.
 */
final class ContentDigest {
  private final HashingTree tree;
  private final boolean owners;
  private final Map<Long, Integer> links = new HashMap<>();
  private final FileInputs seen;

  /**
   * @param owners whether owners count; those of a build context do not reach the image
   * @param seen hears of every entry
   */
  ContentDigest(HashingTree tree, boolean owners, FileInputs seen) {
    this.tree = tree;
    this.owners = owners;
    this.seen = seen;
  }

  /** The digest of an entry with all below it that is copied; its own name does not count. */
  byte[] of(EntryMeta entry, Selection selection) throws IOException {
    links.clear();
    return of(entry, selection, true).orElseThrow();
  }

  /** Empty if nothing of it is copied. */
  private Optional<byte[]> of(EntryMeta entry, Selection selection, boolean taken)
      throws IOException {
    if (!taken && !(entry.isDirectory() && selection.mayTakeBelow())) {
      return Optional.empty();
    }
    var hash = new KeyHash("entry.3").add(entry.kind().name()).number(entry.mode());
    hash.number(owners ? entry.uid() : 0).number(owners ? entry.gid() : 0);
    hash.add(entry.linkTarget());
    hash.number(entry.deviceMajor()).number(entry.deviceMinor()).number(entry.xattrs().size());
    entry.xattrs().forEach((name, value) -> hash.add(name).add(value));
    byte[] content = new byte[0];
    if (entry.kind() == Kind.FILE) {
      content = tree.hash(entry);
      hash.add(content).number(earlier(entry));
    }
    boolean some = taken;
    if (entry.isDirectory()) {
      // A directory that is made only for what is in it keeps its owner where it is there already.
      hash.number(taken ? 1 : 0);
      for (EntryMeta child : tree.children(entry.path())) {
        Selection below = selection.child(child.name());
        Optional<byte[]> digest = of(child, below, below.takes());
        digest.ifPresent(bytes -> hash.add(child.name()).add(bytes));
        some |= digest.isPresent();
      }
    }
    if (!some) {
      return Optional.empty();
    }
    byte[] whole = hash.bytes();
    seen.add(entry, content, whole, owners);
    return Optional.of(whole);
  }

  /** Which file with several names it is again; 0 for the first name, and for the only one. */
  private int earlier(EntryMeta file) {
    if (file.linkId() == 0) {
      return 0;
    }
    Integer first = links.putIfAbsent(file.linkId(), links.size() + 1);
    return first == null ? 0 : first;
  }
}
