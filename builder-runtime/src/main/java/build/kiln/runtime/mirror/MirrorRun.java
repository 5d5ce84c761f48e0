package build.kiln.runtime.mirror;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.runtime.mirror.CopyOptions.Overwrite;
import build.kiln.runtime.mirror.CopyOptions.Referrers;
import build.kiln.runtime.mirror.Repositories.Pair;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One run of an ImageMirror: finds what is wanted, copies it, deletes what is gone. What fails of
 * one image hinders no other. For one run.
 */
public final class MirrorRun {
  /**
   * Images that are looked at, at once: what a far registry takes to say that nothing has changed
   * is waiting, and its client limits the requests.
   */
  private static final int LOOKS = 24;

  private final ImageMirrorSpec spec;
  private final String identity;
  private final RegistryClient source;
  private final RegistryClient destination;
  private final Predicate<Reference> allowed;
  private final MirrorListener listener;
  private final ImageCopier copier;
  private final Optional<TagChoice> choice;
  private final ImageTimes times;
  private final Queue<Image> done = new ConcurrentLinkedQueue<>();

  /**
   * @param identity tells one mirror from another, for the record of what it wrote
   * @param verifier must agree before an image is copied
   * @param allowed which repositories may be pushed to
   * @throws IllegalArgumentException if the spec has a range, an expression or a platform that is
   *     none
   */
  public MirrorRun(
      ImageMirrorSpec spec,
      String identity,
      RegistryClient source,
      RegistryClient destination,
      Optional<ImageVerifier> verifier,
      Bandwidth bandwidth,
      Predicate<Reference> allowed,
      MirrorListener listener) {
    this.spec = spec;
    this.identity = identity;
    this.source = source;
    this.destination = destination;
    this.allowed = allowed;
    this.listener = listener;
    this.choice = Optional.ofNullable(spec.tags()).map(TagChoice::new);
    this.copier =
        new ImageCopier(
            source, destination, options(spec), listener, bandwidth, verifier, spec.concurrency());
    this.times = new ImageTimes(source);
  }

  private static CopyOptions options(ImageMirrorSpec spec) {
    try {
      List<Platform> platforms =
          Objects.requireNonNullElse(spec.platforms(), List.<String>of()).stream()
              .map(Platform::parse)
              .toList();
      Set<String> types =
          Set.copyOf(Objects.requireNonNullElse(spec.artifactTypes(), List.<String>of()));
      return new CopyOptions(
          platforms,
          spec.rewrite(),
          spec.referrers() ? Optional.of(new Referrers(types)) : Optional.empty(),
          switch (spec.overwrite()) {
            case IfDifferent -> Overwrite.IF_DIFFERENT;
            case Never -> Overwrite.NEVER;
          });
    } catch (OciException e) {
      throw new IllegalArgumentException("platforms: " + e.getMessage(), e);
    }
  }

  /**
   * Does it.
   *
   * @throws InterruptedIOException if the thread is interrupted; {@link #result} tells what was
   *     done until then
   */
  public MirrorResult run() throws InterruptedIOException {
    try {
      List<Pair> repositories = new ArrayList<>();
      try {
        repositories.addAll(Repositories.of(spec, source::listRepositories));
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException | OciException e) {
        failed(String.valueOf(spec.source().registry()), null, e);
      }
      Queue<Repository> wanted = new ConcurrentLinkedQueue<>();
      Concurrently.all(repositories, pair -> choose(pair).ifPresent(wanted::add));
      List<Wanted> images = new ArrayList<>();
      for (Repository repository : wanted) {
        if (repository.images.isEmpty()) {
          finish(repository);
        }
        copier.expect(repository.pair.to(), repository.tags);
        repository.images.forEach(from -> images.add(new Wanted(repository, from)));
      }
      firstOfEachFirst(images);
      Concurrently.all(images, Math.max(LOOKS, spec.concurrency()), this::image);
      return result();
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      throw new AssertionError("what fails of an image is in its result", e);
    }
  }

  /** Others of a repository wait for its first: all of these are looked at by the way. */
  private static void firstOfEachFirst(List<Wanted> images) {
    Set<Repository> begun = new HashSet<>();
    List<Wanted> firsts = new ArrayList<>();
    images.removeIf(image -> begun.add(image.repository()) && firsts.add(image));
    images.addAll(0, firsts);
  }

  /** What came of it so far. */
  public MirrorResult result() {
    return new MirrorResult(List.copyOf(done));
  }

  /** What is wanted of a repository, and what came of it. */
  private static final class Repository {
    final Pair pair;
    final List<String> tags;
    final List<Reference> images;
    final Map<String, Digest> copied = new ConcurrentHashMap<>();
    final AtomicInteger left;

    Repository(Pair pair, List<String> tags, List<Reference> images) {
      this.pair = pair;
      this.tags = tags;
      this.images = images;
      this.left = new AtomicInteger(images.size());
    }
  }

  private record Wanted(Repository repository, Reference from) {}

  /** Empty if that failed, which is told. */
  private Optional<Repository> choose(Pair pair) throws InterruptedIOException {
    try {
      if (!allowed.test(pair.to())) {
        throw new NotAllowed(pair.to());
      }
      List<String> tags = tags(pair.from());
      List<Reference> images = new ArrayList<>();
      tags.forEach(tag -> images.add(pair.from().withTag(tag)));
      for (String digest : Objects.requireNonNullElse(spec.source().digests(), List.<String>of())) {
        images.add(pair.from().withDigest(Digest.parse(digest)));
      }
      return Optional.of(new Repository(pair, tags, images));
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      failed(pair.from().name(), pair.to().name(), e);
      return Optional.empty();
    }
  }

  /** When its last image is done, so that a run that is broken off later has the record of it. */
  private void finish(Repository repository) throws InterruptedIOException {
    if (spec.deletions() != ImageMirrorSpec.Deletions.Sync || choice.isEmpty()) {
      return;
    }
    Pair pair = repository.pair;
    try {
      sync(pair, Set.copyOf(repository.tags), repository.copied);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      failed(pair.from().name(), pair.to().name(), e);
    }
  }

  private List<String> tags(Reference repository) throws IOException {
    if (choice.isEmpty()) {
      return List.of();
    }
    List<String> all = choice.get().needsList() ? source.listTags(repository) : List.of();
    return choice.get().of(all, tag -> times.of(repository.withTag(tag)));
  }

  private void image(Wanted wanted) throws InterruptedIOException {
    Repository repository = wanted.repository();
    image(wanted.from(), repository.pair.to(), repository.copied);
    if (repository.left.decrementAndGet() == 0) {
      finish(repository);
    }
  }

  private void image(Reference from, Reference repository, Map<String, Digest> copied)
      throws InterruptedIOException {
    Reference to = from.tag() == null ? repository : repository.withTag(from.tag());
    try {
      CopyResult result = spec.dryRun() ? copier.plan(from, to) : copier.copy(from, to);
      Digest digest = result.image().digest();
      if (result.outcome() == CopyResult.Outcome.COPIED && to.tag() != null) {
        copied.put(to.tag(), digest);
      }
      tell(
          new Image(
              from.toString(),
              (to.tag() == null ? to.withDigest(digest) : to).toString(),
              digest.toString(),
              switch (result.outcome()) {
                case COPIED -> Result.Copied;
                case UP_TO_DATE -> Result.UpToDate;
                case KEPT -> Result.Kept;
              },
              null,
              null,
              result.copiedBytes(),
              result.mountedBytes()));
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      failed(from.toString(), to.toString(), e);
    }
  }

  /** Keeps the record of what was written, and deletes of that what is wanted no more. */
  private void sync(Pair pair, Set<String> wanted, Map<String, Digest> copied) throws IOException {
    MirrorRecord record = new MirrorRecord(destination, pair.to(), identity);
    Map<String, Digest> written = record.read();
    Deletions deletions = Deletions.of(written, wanted, spec.maxDeletionPercent());
    if (spec.dryRun()) {
      for (String tag : deletions.tags()) {
        deleted(pair.to().withTag(tag), Objects.requireNonNull(written.get(tag)));
      }
      check(pair, deletions, written.size());
      return;
    }
    Map<String, Digest> after = new ConcurrentHashMap<>(written);
    after.putAll(copied);
    // Known before anything goes, so that a run that is broken off here forgets nothing.
    if (!after.equals(written)) {
      record.write(after);
    }
    TagDeletion deletion = new TagDeletion(destination);
    for (String tag : deletions.tags()) {
      delete(deletion, pair.to().withTag(tag), after);
    }
    if (!deletions.tags().isEmpty()) {
      record.write(after);
    }
    check(pair, deletions, written.size());
  }

  private void delete(TagDeletion deletion, Reference tag, Map<String, Digest> after)
      throws InterruptedIOException {
    String name = String.valueOf(tag.tag());
    Digest digest = Objects.requireNonNull(after.get(name));
    try {
      if (deletion.delete(tag, digest)) {
        deleted(tag, digest);
      }
      after.remove(name);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      failed(null, tag.toString(), e);
    }
  }

  private void deleted(Reference tag, Digest digest) {
    tell(
        new Image(null, tag.toString(), digest.toString(), Result.Deleted, null, null, null, null));
  }

  private static void check(Pair pair, Deletions deletions, int written) throws TooMany {
    if (deletions.tooMany()) {
      throw new TooMany(
          "%d of the %d tags that this mirror wrote to %s are gone from %s, which is more than maxDeletionPercent: none is deleted; if that is right, raise it for a run"
              .formatted(deletions.gone(), written, pair.to().name(), pair.from().name()));
    }
  }

  /** The share of tags that are gone is larger than may be deleted at once. */
  private static final class TooMany extends IOException {
    TooMany(String message) {
      super(message);
    }
  }

  /** The installation does not allow to push there. */
  private static final class NotAllowed extends IOException {
    NotAllowed(Reference repository) {
      super("the installation does not allow to push to " + repository.name());
    }
  }

  private void failed(@Nullable String from, @Nullable String to, Exception e) {
    tell(
        new Image(
            from,
            to,
            null,
            Result.Failed,
            reason(e instanceof RegistryException r ? CopyException.of(r) : e),
            e.getMessage(),
            null,
            null));
  }

  private static MirrorFailureReason reason(Exception e) {
    return switch (e) {
      case CopyException copy -> MirrorFailureReason.valueOf(copy.reason().name());
      case TooMany tooMany -> MirrorFailureReason.TooManyDeletions;
      case NotAllowed notAllowed -> MirrorFailureReason.RegistryNotAllowed;
      case OciException name -> MirrorFailureReason.SpecInvalid;
      default -> MirrorFailureReason.Infrastructure;
    };
  }

  private void tell(Image image) {
    done.add(image);
    listener.image(image);
  }
}
