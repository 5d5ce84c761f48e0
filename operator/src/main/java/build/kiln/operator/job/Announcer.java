package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.Text;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes events. Their names follow from what they tell: telling a thing twice makes one event. */
public final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  /** Where Kubernetes itself puts events on what has no namespace. */
  private static final String OF_THE_CLUSTER = "default";

  private static final int LONGEST = 1000;
  private static final int REMEMBERED = 2000;

  private final KubernetesClient client;
  private final Clock clock;

  /** Names told of late, so that what waits asks the API server nothing each time. */
  private final Set<String> told =
      Collections.synchronizedSet(
          Collections.newSetFromMap(
              new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                  return size() > REMEMBERED;
                }
              }));

  public Announcer(KubernetesClient client, Clock clock) {
    this.client = client;
    this.clock = clock;
  }

  /** Tells. That an event cannot be written is logged and no more: the status says the same. */
  public void tell(HasMetadata resource, Announcement announcement) {
    var event = event(resource, announcement);
    var name = event.getMetadata().getName();
    if (told.contains(name)) {
      return;
    }
    try {
      client.v1().events().inNamespace(event.getMetadata().getNamespace()).resource(event).create();
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        LOG.warn("event {} cannot be written: {}", name, e.getMessage());
        return;
      }
    }
    told.add(name);
  }

  private Event event(HasMetadata resource, Announcement announcement) {
    var meta = resource.getMetadata();
    var now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    return new EventBuilder()
        .withNewMetadata()
        .withName(Names.event(meta.getName(), meta.getUid(), announcement.key()))
        .withNamespace(requireNonNullElse(meta.getNamespace(), OF_THE_CLUSTER))
        .endMetadata()
        .withNewInvolvedObject()
        .withApiVersion(resource.getApiVersion())
        .withKind(resource.getKind())
        .withNamespace(meta.getNamespace())
        .withName(meta.getName())
        .withUid(meta.getUid())
        .endInvolvedObject()
        .withType(announcement.warning() ? "Warning" : "Normal")
        .withReason(announcement.reason())
        .withMessage(Text.start(announcement.message(), LONGEST))
        .withFirstTimestamp(now)
        .withLastTimestamp(now)
        .withCount(1)
        .withNewSource()
        .withComponent("kiln-operator")
        .endSource()
        .withReportingComponent("kiln.build/operator")
        .withReportingInstance("kiln-operator")
        .build();
  }
}
