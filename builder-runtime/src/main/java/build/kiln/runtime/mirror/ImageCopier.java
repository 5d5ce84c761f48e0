package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.mirror.CopyOptions.Overwrite;
import build.kiln.runtime.mirror.CopyResult.Outcome;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Copies images and any other artifacts from registry to registry. Manifests are the same bytes
 * afterwards, blobs go from connection to connection with a constant heap, and a tag is written
 * when all that it stands for is there. Copies by one copier share what they learn, so that a blob
 * that several images need moves once. Thread-safe; how many requests go to a registry at once is
 * the clients' to limit.
 *
 * <p>What is up to date costs one HEAD at each end, and what is not there one HEAD at the
 * destination (or a list for many) and a GET at the source, before anything is copied. A copy that
 * was broken off is taken up by the next: what is there already is not sent again.
 */
public final class ImageCopier {
  private final RegistryClient source;
  private final RegistryClient destination;
  private final CopyOptions options;
  private final Targets targets;
  private final Trees trees;
  private final Optional<ReferrerCopies> referrers;
  private final Optional<ImageVerifier> verifier;
  private final Semaphore copies;

  /**
   * @param source asks the mirrors of its upstreams; may be the same as the destination's
   */
  public ImageCopier(
      RegistryClient source,
      RegistryClient destination,
      CopyOptions options,
      CopyListener listener) {
    this(
        source,
        destination,
        options,
        listener,
        Bandwidth.UNLIMITED,
        Optional.empty(),
        Integer.MAX_VALUE);
  }

  /**
   * @param bandwidth for the content of blobs
   * @param verifier must agree before anything of an image is copied
   * @param atOnce images that are copied at once, from 1; to find out that one is up to date does
   *     not count
   */
  public ImageCopier(
      RegistryClient source,
      RegistryClient destination,
      CopyOptions options,
      CopyListener listener,
      Bandwidth bandwidth,
      Optional<ImageVerifier> verifier,
      int atOnce) {
    this.copies = new Semaphore(atOnce, true);
    this.source = source;
    this.destination = destination;
    this.options = options;
    this.verifier = verifier;
    this.targets = new Targets(destination);
    BlobCopies blobs = new BlobCopies(source, destination, targets, bandwidth, listener);
    this.trees =
        new Trees(source, destination, blobs, new PlatformChoice(options.platforms()), listener);
    this.referrers =
        options.referrers().map(wanted -> new ReferrerCopies(source, destination, trees, wanted));
  }

  /**
   * Tells that these tags will be copied to a repository: if they are many, a list tells which of
   * them it lacks, unless what is there is never overwritten. To be called before the first is
   * copied; copies well without.
   */
  public void expect(Reference repository, List<String> tags) {
    targets.expect(repository, tags);
  }

  /**
   * Makes the destination have the image.
   *
   * @param from with a tag, a digest or neither, which means {@code latest}
   * @param to with a tag, or without for an image that is known there by its digest only
   * @throws CopyException why not; nothing is tagged then
   */
  public CopyResult copy(Reference from, Reference to) throws IOException {
    return copyOne(new Wish(from, to, false, false));
  }

  /**
   * As {@link #copy}, of an image that is copied alone: both ends are looked at at once, which is
   * sooner, and a request more if the destination lacks it.
   */
  public CopyResult copyAlone(Reference from, Reference to) throws IOException {
    return copyOne(new Wish(from, to, false, options.overwrite() != Overwrite.NEVER));
  }

  /**
   * Tells what {@link #copy} would do, and does nothing. Referrers of an image that is up to date
   * are not looked at.
   *
   * @throws CopyException what keeps it from being copied, as far as that is to be seen
   */
  public CopyResult plan(Reference from, Reference to) throws IOException {
    return copyOne(new Wish(from, to, true, false));
  }

  private record Wish(Reference from, Reference to, boolean planOnly, boolean bothAtOnce) {}

  private CopyResult copyOne(Wish wish) throws IOException {
    try {
      return copyOne(wish, new Tally());
    } catch (IOException e) {
      throw CopyException.of(e);
    }
  }

  private CopyResult copyOne(Wish wish, Tally tally) throws IOException {
    Reference from = wish.from();
    Reference to = wish.to();
    boolean planOnly = wish.planOnly();
    Optional<Descriptor> there = Optional.empty();
    Optional<Digest> here = Optional.ofNullable(from.digest());
    if (to.tag() != null) {
      Reference tag = to.withTag(to.tag());
      if (here.isEmpty() && wish.bothAtOnce()) {
        Ends ends = lookAtBoth(from.withDefaultTag(), tag);
        there = ends.there();
        here = Optional.of(ends.here());
      } else {
        // What is never to be overwritten is looked at itself.
        there =
            options.overwrite() == Overwrite.NEVER
                ? destination.headTarget(tag)
                : targets.look(tag);
      }
      if (there.isPresent() && options.overwrite() == Overwrite.NEVER) {
        return new CopyResult(Outcome.KEPT, there.get(), 0, 0);
      }
    }
    if (to.tag() != null && there.isEmpty() && here.isEmpty()) {
      // Whatever the tag points at is wanted: one request tells that and what it is.
      Job job = new Job(from, to, Optional.empty(), planOnly, tally);
      return limited(() -> different(job, source.fetchManifest(from.withDefaultTag())));
    }
    Digest digest = here.isPresent() ? here.get() : digest(from.withDefaultTag(), there);
    if (to.tag() == null) {
      there = destination.headTarget(to.withDigest(digest));
    }
    Reference pinned = from.withDigest(digest);
    Optional<Descriptor> same =
        there.filter(found -> found.digest().equals(digest) && !mayRewrite(found));
    if (same.isPresent()) {
      if (!planOnly) {
        copyReferrers(pinned, to, same.get(), Optional.empty(), tally);
      }
      return result(same.get(), tally);
    }
    Job job = new Job(from, to, there, planOnly, tally);
    return limited(() -> different(job, source.fetchManifest(pinned)));
  }

  /**
   * One image's copy.
   *
   * @param there what the destination has by that name
   */
  private record Job(
      Reference from, Reference to, Optional<Descriptor> there, boolean planOnly, Tally tally) {}

  @FunctionalInterface
  private interface Copying {
    CopyResult result() throws IOException;
  }

  private CopyResult limited(Copying copying) throws IOException {
    Waiting.until(copies::acquire, "other images");
    try {
      return copying.result();
    } finally {
      copies.release();
    }
  }

  /** The destination has it not, or something else, or may have it rewritten. */
  private CopyResult different(Job job, FetchedManifest image) throws IOException {
    Reference pinned = job.from().withDigest(image.descriptor().digest());
    if (verifier.isPresent()) {
      verifier.get().verify(pinned);
    }
    Trees.Rewritten wanted =
        mayRewrite(image.descriptor())
            ? trees.rewrite(pinned, image)
            : new Trees.Rewritten(image, Map.of());
    Descriptor descriptor = wanted.root().descriptor();
    if (job.there().filter(found -> found.digest().equals(descriptor.digest())).isEmpty()) {
      if (job.planOnly()) {
        return new CopyResult(Outcome.COPIED, descriptor, 0, 0);
      }
      bring(pinned, job.to(), wanted, job.tally());
    }
    return result(descriptor, job.tally());
  }

  private void bring(Reference pinned, Reference to, Trees.Rewritten wanted, Tally tally)
      throws IOException {
    Descriptor descriptor = wanted.root().descriptor();
    Reference byDigest = to.withDigest(descriptor.digest());
    Reference named = to.tag() == null ? byDigest : to.withTag(to.tag());
    if (referrers.isEmpty()) {
      trees.push(pinned, named, wanted, tally);
      return;
    }
    trees.push(pinned, byDigest, wanted, tally);
    copyReferrers(pinned, to, descriptor, Optional.of(wanted.root()), tally);
    if (to.tag() != null) {
      trees.tag(named, wanted.root(), tally);
    }
  }

  private boolean mayRewrite(Descriptor image) {
    return options.rewriteIndexes()
        && !options.platforms().isEmpty()
        && MediaTypes.isIndex(image.mediaType());
  }

  /** Those of the image, and of the images in it. */
  private void copyReferrers(
      Reference pinned,
      Reference to,
      Descriptor image,
      Optional<FetchedManifest> fetched,
      Tally tally)
      throws IOException {
    if (referrers.isEmpty()) {
      return;
    }
    Set<Digest> subjects = new LinkedHashSet<>();
    subjects.add(image.digest());
    if (MediaTypes.isIndex(image.mediaType())) {
      FetchedManifest index = fetched.isPresent() ? fetched.get() : source.fetchManifest(pinned);
      trees.children(pinned, index).forEach(child -> subjects.add(child.digest()));
    }
    for (Digest subject : subjects) {
      referrers.get().copy(pinned, to, subject, tally);
    }
  }

  /** What both ends have by a name. */
  private record Ends(Digest here, Optional<Descriptor> there) {}

  @FunctionalInterface
  private interface Look {
    void take() throws IOException;
  }

  private Ends lookAtBoth(Reference named, Reference target) throws IOException {
    var here = new AtomicReference<@Nullable Digest>();
    var there = new AtomicReference<@Nullable Descriptor>();
    Concurrently.all(
        List.<Look>of(
            () -> there.set(destination.headTarget(target).orElse(null)),
            () -> here.set(source.head(named).map(Descriptor::digest).orElse(null))),
        Look::take);
    return new Ends(
        digestOf(named, Optional.ofNullable(here.get())), Optional.ofNullable(there.get()));
  }

  /**
   * @param there what it probably is
   */
  private Digest digest(Reference named, Optional<Descriptor> there) throws IOException {
    return digestOf(
        named,
        there.isPresent()
            ? digestUnless(named, there.get().digest())
            : source.head(named).map(Descriptor::digest));
  }

  private static Digest digestOf(Reference named, Optional<Digest> found) throws CopyException {
    return found.orElseThrow(
        () ->
            new CopyException(
                Reason.NotFound,
                "tried to copy %s but it is not there; check the registry, the repository and the tag"
                    .formatted(named)));
  }

  private Optional<Digest> digestUnless(Reference named, Digest known) throws IOException {
    try {
      return Optional.of(source.headUnless(named, known).map(Descriptor::digest).orElse(known));
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static CopyResult result(Descriptor image, Tally tally) {
    return new CopyResult(
        tally.hasChanged() ? Outcome.COPIED : Outcome.UP_TO_DATE,
        image,
        tally.copiedBytes(),
        tally.mountedBytes());
  }
}
