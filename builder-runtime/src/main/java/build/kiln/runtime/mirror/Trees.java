package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Pushes manifests with all that they point at: blobs and children first, by digest, then the
 * manifest. Thread-safe.
 */
final class Trees {
  /** Indexes within indexes; real ones have one level or two. */
  private static final int MOST_LEVELS = 8;

  /** Manifests of one index that are on their way at once, which bounds the memory they take. */
  private static final int CHILDREN_AT_ONCE = 8;

  private final RegistryClient source;
  private final RegistryClient destination;
  private final BlobCopies blobs;
  private final PlatformChoice choice;
  private final CopyListener listener;
  private final Set<String> present = ConcurrentHashMap.newKeySet();

  Trees(
      RegistryClient source,
      RegistryClient destination,
      BlobCopies blobs,
      PlatformChoice choice,
      CopyListener listener) {
    this.source = source;
    this.destination = destination;
    this.blobs = blobs;
    this.choice = choice;
    this.listener = listener;
  }

  /**
   * A manifest as it is to be pushed.
   *
   * @param made indexes within it that are not those of the source
   */
  record Rewritten(FetchedManifest root, Map<Digest, FetchedManifest> made) {
    Rewritten {
      made = Map.copyOf(made);
    }
  }

  /** The manifests of an index that are wanted. */
  List<Descriptor> children(Reference from, FetchedManifest index) throws IOException {
    return choice.of(from, ManifestLinks.of(from, index).manifests());
  }

  /** The index with only what is wanted in it, and so the indexes within it. */
  Rewritten rewrite(Reference from, FetchedManifest index) throws IOException {
    Map<Digest, FetchedManifest> made = new HashMap<>();
    return new Rewritten(rewritten(from, index, made, MOST_LEVELS), made);
  }

  private FetchedManifest rewritten(
      Reference from, FetchedManifest index, Map<Digest, FetchedManifest> made, int levels)
      throws IOException {
    checkLevels(from, levels);
    List<Descriptor> wanted = children(from, index);
    Map<Digest, Descriptor> replaced = new HashMap<>();
    for (Descriptor child : wanted) {
      if (MediaTypes.isIndex(child.mediaType())) {
        FetchedManifest inner = source.fetchManifest(from.withDigest(child.digest()));
        FetchedManifest instead = rewritten(from, inner, made, levels - 1);
        if (!instead.descriptor().digest().equals(child.digest())) {
          replaced.put(child.digest(), instead.descriptor());
          made.put(instead.descriptor().digest(), instead);
        }
      }
    }
    return PlatformChoice.rewritten(index, wanted, replaced);
  }

  /**
   * Pushes a manifest under a tag or its digest, after what it points at.
   *
   * @param from where it is; its tag and digest do not matter
   * @throws CopyException SparseIndexUnsupported
   */
  void push(Reference from, Reference target, Rewritten wanted, Tally tally) throws IOException {
    push(new Job(from, target, wanted.made(), tally, false), wanted.root(), target, MOST_LEVELS);
  }

  /** As {@link #push}, and lists it as a referrer of its subject. */
  void pushReferrer(Reference from, Reference to, FetchedManifest manifest, Tally tally)
      throws IOException {
    Job job = new Job(from, to, Map.of(), tally, false);
    bring(job, ManifestLinks.of(from, manifest), MOST_LEVELS);
    Descriptor descriptor = manifest.descriptor();
    Reference target = to.withDigest(descriptor.digest());
    destination.pushReferrer(target, manifest.bytes(), descriptor.mediaType());
    pushed(target, descriptor, tally);
  }

  /** Gives a manifest that is there a tag. */
  void tag(Reference target, FetchedManifest manifest, Tally tally) throws IOException {
    destination.pushManifest(target, manifest.bytes(), manifest.descriptor().mediaType());
    pushed(target, manifest.descriptor(), tally);
  }

  /**
   * What is the same for all of a tree.
   *
   * @param anew whether nothing that is known of the destination is to be trusted
   */
  private record Job(
      Reference from, Reference to, Map<Digest, FetchedManifest> made, Tally tally, boolean anew) {}

  private void push(Job job, FetchedManifest manifest, Reference target, int levels)
      throws IOException {
    ManifestLinks links = ManifestLinks.of(job.from, manifest);
    List<Descriptor> wanted = bring(job, links, levels);
    try {
      tag(target, manifest, job.tally);
    } catch (RegistryException e) {
      if (!missesSomething(e)) {
        throw e;
      }
      if (wanted.size() < links.manifests().size()) {
        throw sparse(target, links.manifests().size() - wanted.size(), e);
      }
      // It forgot what it said it had, or what it was sent is not to be seen everywhere yet.
      bring(new Job(job.from, job.to, job.made, job.tally, true), links, levels);
      tag(target, manifest, job.tally);
    }
  }

  private static CopyException sparse(Reference target, int missing, RegistryException cause) {
    return new CopyException(
        Reason.SparseIndexUnsupported,
        ("tried to push %s without %d of its manifests but %s takes no index with missing ones;"
                + " copy all platforms, or rewrite the index, which changes its digest")
            .formatted(target, missing, target.registry()),
        cause);
  }

  private static boolean missesSomething(RegistryException e) {
    String error = e.registryError().orElse("");
    return error.equals("MANIFEST_BLOB_UNKNOWN") || error.equals("MANIFEST_UNKNOWN");
  }

  /** Brings what a manifest points at; tells which of its manifests were wanted. */
  private List<Descriptor> bring(Job job, ManifestLinks links, int levels) throws IOException {
    checkLevels(job.from, levels);
    List<Descriptor> wanted = choice.of(job.from, links.manifests());
    Concurrently.all(
        links.blobs(), blob -> blobs.copy(job.from, job.to, blob, job.anew, job.tally));
    List<Descriptor> left = new ArrayList<>(wanted);
    while (!left.isEmpty()) {
      List<Descriptor> some = left.subList(0, Math.min(CHILDREN_AT_ONCE, left.size()));
      Concurrently.all(some, child -> child(job, child, levels - 1));
      some.clear();
    }
    return wanted;
  }

  private void child(Job job, Descriptor child, int levels) throws IOException {
    Reference target = job.to.withDigest(child.digest());
    boolean known = present.contains(target.toString());
    if (!job.anew && (known || destination.headTarget(target).isPresent())) {
      present.add(target.toString());
      return;
    }
    FetchedManifest made = job.made.get(child.digest());
    FetchedManifest manifest =
        made == null ? source.fetchManifest(job.from.withDigest(child.digest())) : made;
    push(job, manifest, target, levels);
  }

  private void pushed(Reference target, Descriptor manifest, Tally tally) {
    present.add(target.withDigest(manifest.digest()).toString());
    tally.pushed();
    listener.manifest(target, manifest);
  }

  private static void checkLevels(Reference name, int levels) throws CopyException {
    if (levels < 0) {
      throw new CopyException(
          Reason.InvalidContent,
          "tried to copy %s but its indexes are nested deeper than %d levels; flatten them"
              .formatted(name, MOST_LEVELS));
    }
  }
}
