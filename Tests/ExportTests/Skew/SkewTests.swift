import Export
import Testing
