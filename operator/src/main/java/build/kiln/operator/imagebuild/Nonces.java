package build.kiln.operator.imagebuild;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The nonces of orders, read from their ConfigMaps; those of late are remembered. */
final class Nonces {
  private static final int REMEMBERED = 500;

  private final KubernetesClient client;
  private final Map<String, String> known =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
              return size() > REMEMBERED;
            }
          });

  Nonces(KubernetesClient client) {
    this.client = client;
  }

  /** The nonce of an attempt; empty if its order is gone, as a person may have done. */
  Optional<String> of(Attempt attempt) {
    var meta = attempt.job().getMetadata();
    var remembered = known.get(meta.getUid());
    if (remembered != null) {
      return Optional.of(remembered);
    }
    var nonce =
        OrderMap.nonce(
            client.configMaps().inNamespace(meta.getNamespace()).withName(meta.getName()).get());
    nonce.ifPresent(found -> known.put(meta.getUid(), found));
    return nonce;
  }
}
