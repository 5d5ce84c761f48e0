package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Talks to registries (OCI distribution-spec 1.1 and Docker's registry API 2). Thread-safe; calls
 * block and are made for virtual threads: an interrupt ends a call with {@link
 * java.io.InterruptedIOException}, at once on a virtual thread, at the next timeout on a platform
 * thread. What a registry does wrong is a {@link RegistryException}. Memory does not depend on the
 * size of blobs.
 *
 * <p>{@link #head}, {@link #headUnless}, {@link #fetchManifest} and {@link #openBlob} ask the
 * mirrors of the upstream first, in order, and the upstream last; a mirror that fails in any way is
 * passed by. All other calls ask the registry that the reference names.
 */
public final class RegistryClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RegistryClient.class);

  private final HttpTransport transport;
  private final Sites sites;
  private final Retries retries;
  private final Manifests manifests;
  private final BlobDownload download;
  private final BlobUpload upload;
  private final Tags tags;
  private final Referrers referrers;
  private final HttpFiles files;
  private final Requester requester;
  private final RegistryProbe probe;
  private final RandomGenerator random;

  public RegistryClient(RegistryConfig config, Credentials credentials) {
    this(config, credentials, Clock.systemUTC(), Sleeper.system(), RandomGenerator.getDefault());
  }

  /**
   * With all that makes a client's behaviour depend on time and chance.
   *
   * @param sleeper waits between tries
   * @param random jitter of those waits
   */
  public RegistryClient(
      RegistryConfig config,
      Credentials credentials,
      Clock clock,
      Sleeper sleeper,
      RandomGenerator random) {
    this.transport = new HttpTransport(config);
    this.retries = new Retries(config.retry(), sleeper, random);
    this.sites = new Sites(config, transport, clock);
    Redirects redirects = new Redirects(transport);
    Authenticator authenticator =
        new Authenticator(credentials, new TokenService(redirects, retries, clock), clock);
    Requester requester =
        new Requester(sites, redirects, authenticator, retries, clock, config.transfersPerHost());
    this.manifests = new Manifests(requester, sites);
    this.download = new BlobDownload(requester);
    this.upload = new BlobUpload(requester, sites, config.commitTimeout());
    Pages pages = new Pages(requester, sites);
    this.tags = new Tags(pages, sites);
    this.referrers = new Referrers(pages, manifests, sites);
    this.files = new HttpFiles(transport, config, retries, clock);
    this.requester = requester;
    this.probe = new RegistryProbe(requester, sites, authenticator);
    this.random = random;
  }

  /**
   * What a tag or digest points at, without its content.
   *
   * @return empty if it is not there
   */
  public Optional<Descriptor> head(Reference ref) throws IOException {
    try {
      return read(ref, endpoint -> manifests.head(endpoint, ref, false));
    } catch (RegistryException e) {
      if (e.code() == Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * As {@link #head}, unless it is what is known, which registries tell with less work.
   *
   * @return empty if it is what is known
   * @throws RegistryException NOT_FOUND if it is not there
   */
  public Optional<Descriptor> headUnless(Reference ref, Digest known) throws IOException {
    return read(ref, endpoint -> manifests.headUnless(endpoint, ref, known));
  }

  /**
   * What the registry itself has where something is to be pushed, in one request. Some registries
   * refuse to say of what is not there, so a refusal is taken for that: the push will tell.
   *
   * @return empty if it is not there, or not to be known
   */
  public Optional<Descriptor> headTarget(Reference target) throws IOException {
    try {
      return manifests.head(sites.upstream(target), target, true);
    } catch (RegistryException e) {
      return switch (e.code()) {
        case NOT_FOUND, DENIED -> Optional.empty();
        case UNAUTHORIZED, UNAVAILABLE, INVALID, UNSUPPORTED -> throw e;
      };
    }
  }

  /**
   * A manifest or index, verified against the reference's digest or what the registry says it is.
   *
   * @throws RegistryException NOT_FOUND if it is not there, UNSUPPORTED for Docker's schema 1
   */
  public FetchedManifest fetchManifest(Reference ref) throws IOException {
    return read(ref, endpoint -> manifests.fetch(endpoint, ref));
  }

  /**
   * What a tag points at in the registry itself, unless that is what is known: one request, and
   * none of its content where the registry compares it.
   *
   * @return empty if it is what is known
   * @throws RegistryException NOT_FOUND if it is not there
   */
  public Optional<FetchedManifest> fetchManifestUnless(Reference ref, Digest known)
      throws IOException {
    return manifests.fetchUnless(sites.upstream(ref), ref, known);
  }

  /**
   * A blob's content. Size and digest are verified as it is read: the read that would give the last
   * bytes throws if they are wrong. A broken connection is resumed. The stream counts against the
   * host's limit until its end was read or it is closed.
   *
   * @param repository where the blob is; its tag and digest do not matter
   */
  public InputStream openBlob(Reference repository, Descriptor blob) throws IOException {
    String doing = BlobDownload.doing(repository, blob);
    BlobStream.Opener opener =
        from -> read(repository, e -> download.open(e, repository, blob, from));
    BlobStream.Part first = retries.run(doing, retries.attempts(), () -> opener.open(0));
    return new BlobStream(doing, blob, opener, first, retries, sites);
  }

  /** Whether a repository of the registry itself (not of a mirror) has a blob. */
  public boolean hasBlob(Reference repository, Digest digest) throws IOException {
    return upload.exists(repository, digest, false);
  }

  /**
   * Brings a blob into a repository, sending it only if it is neither there nor can be mounted.
   *
   * @param content read again from its start when a try fails; exactly {@code blob.size()} bytes
   * @param mountFrom repositories that may have the blob; those of other registries are left out
   */
  public PushResult pushBlob(
      Reference repository, Descriptor blob, BlobSource content, List<Reference> mountFrom)
      throws IOException {
    return upload.push(repository, blob, content, mountFrom, true);
  }

  /**
   * As {@link #pushBlob}, without looking first: for blobs that are hardly there, or so small that
   * the question costs as much as sending them.
   */
  public PushResult pushMissingBlob(
      Reference repository, Descriptor blob, BlobSource content, List<Reference> mountFrom)
      throws IOException {
    return upload.push(repository, blob, content, mountFrom, false);
  }

  /**
   * As {@link #pushMissingBlob(Reference, Descriptor, BlobSource, List)}, of bytes that are at
   * hand.
   */
  public Descriptor pushMissingBlob(Reference repository, String mediaType, byte[] bytes)
      throws IOException {
    Descriptor blob = Descriptor.ofBytes(mediaType, bytes);
    pushMissingBlob(repository, blob, BlobSource.of(bytes), List.of());
    return blob;
  }

  /**
   * Sends a blob whose digest is known only when all of it was read: a PATCH of unknown length and
   * a PUT that names the digest (distribution-spec 1.1, "Pushing a blob in chunks"). Tried once,
   * since what is read is gone: after a failure, {@link #pushBlob} does it.
   *
   * @param content read to its end and closed
   * @param written tells what it was, asked after its end
   */
  public PushResult streamBlob(Reference repository, InputStream content, WrittenBlob written)
      throws IOException {
    return upload.stream(repository, content, written);
  }

  /** Waits for what a blob is that was streamed. */
  @FunctionalInterface
  public interface WrittenBlob {
    Descriptor whole() throws IOException;
  }

  /**
   * Stores a manifest under the target's digest if it has one, else under its tag.
   *
   * @param bytes stored as they are; what they point at must be there
   */
  public Descriptor pushManifest(Reference target, byte[] bytes, String mediaType)
      throws IOException {
    return manifests.put(target, bytes, mediaType).descriptor();
  }

  /**
   * As {@link #pushManifest}, for one that has a subject: where the registry does not list
   * referrers, the subject's fallback tag does then (distribution-spec 1.1, "Pushing Manifests with
   * Subject").
   */
  public Descriptor pushReferrer(Reference target, byte[] bytes, String mediaType)
      throws IOException {
    return referrers.push(target, bytes, mediaType);
  }

  /**
   * The manifests that have this one as their subject, by the registry's list, or by the fallback
   * tag where it has none.
   */
  public List<Descriptor> referrers(Reference repository, Digest subject) throws IOException {
    return referrers.list(repository, subject);
  }

  /** The tag under which clients list a manifest's referrers where the registry does not. */
  public static String fallbackTag(Digest subject) {
    return Referrers.fallbackTag(subject);
  }

  /**
   * Deletes a manifest (by digest) or a tag.
   *
   * @return false if it was not there
   */
  public boolean deleteManifest(Reference ref) throws IOException {
    return manifests.delete(ref);
  }

  /** All tags of a repository, in the registry's order. */
  public List<String> listTags(Reference repository) throws IOException {
    return tags.list(repository, false);
  }

  /**
   * The tags of a repository that is to be pushed to, if one request tells them.
   *
   * @return empty if they are too many for one answer, or the registry does not list them; a
   *     repository that is not there has none
   */
  public Optional<Set<String>> listTargetTags(Reference repository) throws IOException {
    return tags.inOneAnswer(repository);
  }

  /**
   * As {@link #listTags}, for those who delete what is not listed: a list without a Link is
   * believed to be whole only when the registry knows no name after its last.
   */
  public List<String> listAllTags(Reference repository) throws IOException {
    return tags.list(repository, true);
  }

  /**
   * Whether a registry takes these credentials, or asks for none.
   *
   * @param registry {@code host[:port]}
   * @throws RegistryException UNAUTHORIZED if it does not; NOT_FOUND if it is no registry
   */
  public void checkLogin(String registry) throws IOException {
    Reference any = new Reference(registry, "catalog", null, null);
    Requester.Request request =
        Requester.Request.of("log in", sites.upstream(any), any, "GET", "/v2/").scopes(List.of());
    requester.call(request, HttpReply::status);
  }

  /**
   * Finds out what a registry can do, by reading.
   *
   * @param registry {@code host[:port]}
   */
  public List<Capability> probe(String registry) throws IOException {
    return probe.registry(registry);
  }

  /**
   * Finds out what can be done with a repository.
   *
   * @param write whether to push small blobs and manifests to it, and a blob to {@code kiln-check}
   *     below it, and to remove them; else its tags are looked at
   */
  public List<Capability> probe(Reference repository, boolean write) throws IOException {
    return write
        ? new WriteProbe(requester, sites, probe, random, repository).run()
        : probe.repository(repository);
  }

  /**
   * All repositories of a registry that the account may see.
   *
   * @param registry {@code host[:port]}
   * @throws RegistryException NOT_FOUND, UNSUPPORTED, DENIED or UNAUTHORIZED where registries do
   *     not tell, as most public ones
   */
  public List<String> listRepositories(String registry) throws IOException {
    return tags.catalog(registry);
  }

  /** Downloads over the same network: proxies, authorities, timeouts. */
  public HttpFiles files() {
    return files;
  }

  /** Drops all connections; calls under way fail. */
  @Override
  public void close() throws IOException {
    transport.close();
  }

  private interface Asked<T> {
    T on(Endpoint endpoint) throws IOException;
  }

  /** The first endpoint that has it. What mirrors did wrong is told if the upstream fails too. */
  private <T> T read(Reference ref, Asked<T> asked) throws IOException {
    List<String> passed = new ArrayList<>();
    for (Endpoint endpoint : sites.forReading(ref)) {
      try {
        return asked.on(endpoint);
      } catch (RegistryException e) {
        if (!endpoint.isMirror()) {
          throw passed.isEmpty() ? e : e.withNote("; before: " + String.join("; ", passed));
        }
        LOG.debug("mirror {} passed by: {}", endpoint.authority(), e.getMessage());
        passed.add("mirror " + endpoint.authority() + " answered " + e.code());
      }
    }
    throw new AssertionError("the upstream is always the last endpoint");
  }
}
