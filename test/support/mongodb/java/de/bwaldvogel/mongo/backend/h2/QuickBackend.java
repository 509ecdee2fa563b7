package de.bwaldvogel.mongo.backend.h2;

import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/**
 * The library's backend that keeps a file, with two things added. A query by id and something else looks at one
 * document: the library takes its index only when nothing but the id is asked for, and reads everything else.
 * And nothing else happens while a database is dropped: the library would open it anew for the next command,
 * and then close the collections that this one has just opened, for good.
 */
public final class QuickBackend extends H2Backend {
  private final ReadWriteLock dropping = new ReentrantReadWriteLock();

  public QuickBackend(String path) {
    super(path);
  }

  @Override
  public Document handleMessage(MongoMessage message) {
    boolean drops = message.getDocument().containsKey("dropDatabase");
    Lock lock = drops ? dropping.writeLock() : dropping.readLock();
    lock.lock();
    try {
      return super.handleMessage(message);
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected MongoDatabase openOrCreateDatabase(String name) {
    return new Database(name, getMvStore(), getCursorRegistry());
  }

  private static final class Database extends H2Database {
    Database(String name, MVStore store, CursorRegistry cursors) {
      super(name, opening(store), cursors);
    }

    /** The constructor above opens collections before a field of this class could hold the store. */
    private static MVStore current;

    private static synchronized MVStore opening(MVStore store) {
      current = store;
      return store;
    }

    @Override
    protected MongoCollection<Object> openOrCreateCollection(
        String name, CollectionOptions options) {
      String full = databaseName + "." + name;
      MVMap<Object, Document> data = current.openMap(DATABASES_PREFIX + full);
      MVMap<String, Object> meta = current.openMap("meta." + full);
      return new Collection(this, name, options, data, meta, cursorRegistry);
    }
  }

  private static final class Collection extends H2Collection {
    Collection(
        MongoDatabase database,
        String name,
        CollectionOptions options,
        MVMap<Object, Document> data,
        MVMap<String, Object> meta,
        CursorRegistry cursors) {
      super(database, name, options, data, meta, cursors);
    }

    @Override
    protected QueryResult matchDocuments(
        Document query, Document order, int skip, int limit, int batch, Document fields) {
      if (!(query.get("_id") instanceof String id))
        return super.matchDocuments(query, order, skip, limit, batch, fields);
      Stream<Document> one = Stream.ofNullable(getDocument(id));
      return matchDocumentsFromStream(one, query, order, skip, limit, batch, fields);
    }
  }
}
