package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult;
import build.kiln.runtime.registry.PushResult.How;
import build.kiln.runtime.registry.RegistryClient;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Brings blobs from source to destination, straight from one connection to the other. A blob that
 * several images need comes once: whoever wants it while it is on its way waits, and then has it,
 * or has the registry mount it from the repository that got it. Thread-safe.
 */
final class BlobCopies {
  /** To ask whether a blob of this size is there costs about as much as to send it. */
  private static final int SMALL = 16 << 10;

  /** As {@link #SMALL}, where the answer would hardly be yes. */
  private static final int SMALL_FOR_NEW = 1 << 20;

  /** Repositories that are offered for a mount; each that fails is a request in vain. */
  private static final int MOST_OFFERS = 2;

  /** After so many that failed, and none that did not, a registry is not asked for mounts. */
  private static final int MOST_VAIN_MOUNTS = 3;

  private record Key(String registry, Digest digest) {}

  /** The repositories of a registry that are known to have a blob. */
  private static final class Holders {
    final ReentrantLock lock = new ReentrantLock();
    final Map<String, Reference> repositories = new LinkedHashMap<>();
  }

  /** What is known of a registry's mounts. */
  private static final class Mounts {
    final AtomicInteger done = new AtomicInteger();
    final AtomicInteger vain = new AtomicInteger();

    boolean areHopeless() {
      return done.get() == 0 && vain.get() >= MOST_VAIN_MOUNTS;
    }
  }

  private final RegistryClient source;
  private final RegistryClient destination;
  private final Targets targets;
  private final Bandwidth bandwidth;
  private final CopyListener listener;
  private final Map<Key, Holders> holders = new ConcurrentHashMap<>();
  private final Map<String, Mounts> mounts = new ConcurrentHashMap<>();

  BlobCopies(
      RegistryClient source,
      RegistryClient destination,
      Targets targets,
      Bandwidth bandwidth,
      CopyListener listener) {
    this.source = source;
    this.destination = destination;
    this.targets = targets;
    this.bandwidth = bandwidth;
    this.listener = listener;
  }

  /**
   * Returns when the destination has the blob.
   *
   * @param anew whether what is known of it is not to be trusted
   */
  void copy(Reference from, Reference to, Descriptor blob, boolean anew, Tally tally)
      throws IOException {
    Holders known =
        holders.computeIfAbsent(new Key(to.registry(), blob.digest()), ignored -> new Holders());
    Waiting.lock(known.lock, "a blob");
    try {
      if (anew) {
        known.repositories.remove(to.name());
      }
      if (known.repositories.containsKey(to.name())) {
        return;
      }
      PushResult result = push(from, to, blob, offers(from, to, known));
      known.repositories.put(to.name(), to);
      switch (result.how()) {
        case UPLOADED -> tally.copied(result.bytesMoved());
        case MOUNTED -> tally.mounted(blob.size());
        case EXISTED -> {}
      }
      listener.blob(to, blob, result.how());
    } finally {
      known.lock.unlock();
    }
  }

  private List<Reference> offers(Reference from, Reference to, Holders known) {
    List<Reference> offers = new ArrayList<>();
    Mounts experience = mounts.computeIfAbsent(to.registry(), ignored -> new Mounts());
    if (experience.areHopeless()) {
      return offers;
    }
    if (from.registry().equals(to.registry()) && !from.repository().equals(to.repository())) {
      offers.add(from);
    }
    for (Reference holder : known.repositories.values()) {
      if (offers.size() < MOST_OFFERS && !holder.name().equals(from.name())) {
        offers.add(holder);
      }
    }
    return offers;
  }

  private PushResult push(Reference from, Reference to, Descriptor blob, List<Reference> offers)
      throws IOException {
    Mounts experience = mounts.computeIfAbsent(to.registry(), ignored -> new Mounts());
    // A mount of what is there is a mount as well; only who cannot mount has to look first.
    boolean surelyMounted = !offers.isEmpty() && experience.done.get() > 0;
    int small = targets.isEmpty(to) ? SMALL_FOR_NEW : SMALL;
    PushResult result =
        surelyMounted || blob.size() <= small
            ? destination.pushMissingBlob(to, blob, () -> open(from, blob), offers)
            : destination.pushBlob(to, blob, () -> open(from, blob), offers);
    if (!offers.isEmpty() && result.how() == How.MOUNTED) {
      experience.done.incrementAndGet();
    } else if (!offers.isEmpty() && result.how() == How.UPLOADED) {
      experience.vain.incrementAndGet();
    }
    return result;
  }

  private InputStream open(Reference from, Descriptor blob) throws IOException {
    return new FilterInputStream(source.openBlob(from, blob)) {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int n = in.read(buffer, offset, length);
        if (n > 0) {
          listener.moved(n);
          bandwidth.take(n);
        }
        return n;
      }
    };
  }
}
